import { channelOfTopic } from '../../define/topic.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import { readNewest } from '../log/append.ts'
import { streamOf } from '../producers/start-stream.ts'
import { stopStream } from '../producers/stop-stream.ts'
import { eraseMembers, erasePresenceEvents, isPresence } from './erase-presence.ts'
import type { EraseRun } from './run.ts'

const writesAtOnce = 16

/**
 * Removes the data of a topic's events, up to the newest one of when it began, and the members of a presence. The slots
 * stay, so that the log has no hole. Subscriptions and receipts stay: they hold nothing of the topic's events. A stream is
 * stopped first, and its input is deleted.
 */
export async function eraseTopic(run: EraseRun, topic: string): Promise<void> {
  const { context } = run
  const channel = context.channelOf(channelOfTopic(topic))
  const stream = channel?.stream && streamOf(channel, topic)
  if (run.state.step === 'members') {
    if (stream !== undefined) await stopStream(context, stream)
    run.update({ isPresence: await isPresence(context, topic) })
    run.begin({ step: 'members', done: 0, left: 0 })
    if (run.state.isPresence) await eraseMembers(run, topic)
    if (run.isStopped) return
    const { next: _, ...state } = run.state
    const through = (await readNewest(context, topic))?.offset ?? 0
    run.state = { ...state, step: 'events', offset: 0, through }
  }
  const { offset, through } = run.state
  run.begin({ step: 'events', done: offset, left: through - offset })
  if (run.state.isPresence) await erasePresenceEvents(run, topic)
  else await eraseEvents(run, topic)
  if (stream !== undefined && !run.isStopped) await context.store.deleteStreamRows(topic)
}

async function eraseEvents(run: EraseRun, topic: string): Promise<void> {
  const { store, clock } = run.context
  while (run.state.offset < run.state.through && !run.isStopped) {
    const { through } = run.state
    const page = await store.readSlots(topic, run.state.offset, run.pageRows)
    const slots = page.slots.filter(({ offset }) => offset <= through)
    const erasable = slots.filter(({ data }) => data !== undefined)
    await mapConcurrent(erasable, writesAtOnce, ({ offset }) => store.eraseSlot(topic, offset, clock.now()))
    run.count({ events: erasable.length })
    const offset = page.more ? (slots.at(-1)?.offset ?? through) : through
    run.update({ offset })
    await run.finishPage({ step: 'events', done: offset, left: through - offset }, erasable.length)
  }
}
