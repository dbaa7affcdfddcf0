import type { World } from '../world/world.ts'

/** After quiescence: the table's rows match the devices' subscriptions, and nothing runs. */
export function checkRows(world: World, topics: readonly string[]): void {
  const { table, gateway, report, kernel } = world
  for (const topic of topics) {
    const shards = table.operations.readSubscribers(topic, 0, {}).shards ?? 1
    const seen = new Set<string>()
    for (let shard = 0; shard < shards; shard++) {
      for (const row of table.operations.readSubscribers(topic, shard, {}).subscribers) {
        // nothing is posted to this row
        if (row.expires * 1_000 <= kernel.now || (row.authExp ?? kernel.now) < kernel.now) continue
        const connection = gateway.connections.get(row.connectionId)
        const name = `${row.connectionId} ${row.id}`
        if (connection?.state !== 'open') report.break('H14', `${topic}: the row of ${name} is of a closed connection`)
        else if (!connection.requestedRefs.has(row.id) && !connection.isStock)
          report.break('H14', `${topic}: the row of ${name} has no subscription`)
        if (seen.has(name)) report.break('H14', `${topic}: ${name} has two rows`)
        seen.add(name)
      }
    }
  }
}

/** After all devices closed and all timeouts passed. */
export function checkNothingLeft(world: World): void {
  const { devices, functions, stream, report, gateway, invocations } = world
  for (const device of devices) {
    if (device.sockets > 0) report.break('H14', `${device.name} closed and kept ${device.sockets} sockets`)
    if (device.timers > 0) report.break('H14', `${device.name} closed and kept ${device.timers} timers`)
    if (device.status !== 'closed') report.break('H14', `${device.name} did not close`)
  }
  if (functions.running > 0) report.break('H14', `${functions.running} functions are still running`)
  if (stream.waiting > 0) report.break('H14', `${stream.waiting} records are pending`)
  if (invocations > 0) report.break('H14', `${invocations} invocations are pending`)
  for (const { connectionId, state } of gateway.connections.values())
    if (state !== 'closed') report.break('H14', `${connectionId} is still open`)
}
