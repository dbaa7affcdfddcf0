import { lineUsd, lineUse } from '../../../../packages/local/src/cost/line.ts'
import { idle } from '../../../../packages/local/src/cost/workload.ts'
import { createSimulation } from '../engine/kernel.ts'
import { createWallLog, type Quotas } from '../engine/walls.ts'
import { count, type Result, type Scenario } from './result.ts'

const fullClients = 1_000_000
const grain = 100
const [fromMinutes, toMinutes] = [100, 115] // a client changes its socket at a random time between them
const minuteMs = 60_000
const observedMinutes = 24 * 60

/** The sockets of clients that stay for a day: API Gateway ends each after two hours, so clients change them before. */
export const churn: Scenario = {
  name: 'churn',
  title: 'The two-hour churn of 1,000,000 clients, for a day',
  run({ share, quotas }) {
    const clients = Math.round(fullClients * share)
    const stormMinutes = clients / quotas.connects / 60
    return [
      observe('that came one by one over two hours', quotas, { clients, arriveMinutes: 120 }),
      observe('that all came back from a reconnect storm', quotas, { clients, arriveMinutes: stormMinutes }),
      observe(
        'that all came within 10 minutes, by a raised quota',
        { ...quotas, connects: quotas.connects * 10 },
        {
          ...{ clients, arriveMinutes: 10 },
        },
      ),
    ]
  },
}

function observe(
  setting: string,
  quotas: Quotas,
  { clients, arriveMinutes }: { readonly clients: number; readonly arriveMinutes: number },
): Result {
  const sim = createSimulation(4, setting)
  const log = createWallLog()
  const perMinute = new Array<number>(observedMinutes + toMinutes + 1).fill(0)
  function open(): void {
    const minute = Math.floor(sim.now() / minuteMs)
    perMinute[minute] = (perMinute[minute] ?? 0) + grain
    sim.after((fromMinutes + sim.random.next() * (toMinutes - fromMinutes)) * minuteMs, open)
  }
  for (let n = 0; n < clients; n += grain) sim.after(sim.random.next() * arriveMinutes * minuteMs, open)
  sim.run(observedMinutes * minuteMs)
  const first = Math.ceil(arriveMinutes)
  const rates = perMinute.slice(first, observedMinutes).map((each) => each / 60)
  const peak = Math.max(...rates)
  const last = Math.max(...rates.slice(-3 * 60))
  const peakMinute = rates.indexOf(peak)
  if (peak > quotas.connects) log.hit('connects', peakMinute * minuteMs)
  const hours = observedMinutes / 60
  const work = { ...idle, connectionMinutes: clients * observedMinutes, connects: 0 }
  return {
    ...{ setting, seconds: 0, walls: log.first(), usd: lineUsd(lineUse(work)) / hours, usdFor: 'an hour' },
    figures: {
      'new connections a second, mean': count(rates.reduce((sum, each) => sum + each, 0) / rates.length),
      'at the peak': count(peak),
      'at the peak of the last three hours': count(last),
      'most clients that the quota carries': count(quotas.connects * ((fromMinutes + toMinutes) / 2) * 60),
    },
  }
}
