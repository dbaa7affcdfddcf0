import { defined } from '@trunkline/protocol'
import type { Server } from '../../runtime/context/served-application.ts'
import type { ReadEncoder } from '../../runtime/reads/encoder.ts'
import { type Follower, follow } from '../../runtime/reads/follow.ts'
import { formatOffset } from '../../runtime/reads/offset.ts'
import { type ReadResult, readLog } from '../../runtime/reads/read-log.ts'
import type { HttpResponse } from './http-response.ts'
import { awaitPage, type Reading } from './read-live.ts'
import { nextCursor, type ReadParams } from './read-params.ts'
import { faultResponse, gapResponse, outcomeWords } from './read-response.ts'

type Page = Extract<ReadResult, { readonly status: 'page' }>

/**
 * Answers with server-sent events: a `data` event with the messages of a page, if it has any, then a `control` event.
 * Streamed, they go on for `ms` milliseconds. Buffered, one page is the whole response: it is waited for as in a
 * long-poll, so that a reader which comes back at once does not come back all the time.
 */
// [TL-READ-9]
export async function answerEvents(
  reading: Reading,
  { from, cursor }: ReadParams,
  { ms, isStreamed }: { readonly ms: number; readonly isStreamed: boolean },
): Promise<HttpResponse> {
  const { context, target, encoder } = reading
  const follower = follow(context, { ...reading, ms })
  try {
    const first = isStreamed
      ? await readLog(context, target, { from, encoder })
      : await awaitPage(reading, from, follower)
    if (first.status === 'gap') return gapResponse(first)
    if (first.status === 'fault') return faultResponse(context, target.path, first)
    const headers = {
      'content-type': 'text/event-stream',
      ...defined({ 'stream-sse-data-encoding': encoder.eventEncoding }),
    }
    const textOf = (page: Page) => eventsOf(context.server, { page, encoder }, nextCursor(context.clock.now(), cursor))
    if (!isStreamed) return { statusCode: 200, headers, body: textOf(first) }
    const events = followEvents(reading, { first, follower, textOf })
    return { statusCode: 200, headers, body: '', events: dispose(events, follower) }
  } finally {
    if (!isStreamed) follower[Symbol.dispose]()
  }
}

/** Yields the events of each page, until the log ends, the time is over, or a page cannot be read. */
async function* followEvents(
  { context, target, encoder }: Reading,
  {
    first,
    follower,
    textOf,
  }: { readonly first: Page; readonly follower: Follower; readonly textOf: (page: Page) => string },
): AsyncGenerator<string, void, void> {
  yield textOf(first)
  for (let page = first; page.outcome === undefined && !follower.signal.aborted; ) {
    if (page.isUpToDate && (await follower.wait(page.next)) !== 'news') return
    await target.recheck()
    const found = await readLog(context, target, { from: page.next, encoder })
    if (found.status !== 'page') return // the next request is answered with the gap or the fault
    const isNews = found.messages.length > 0 || found.outcome !== undefined || found.next.offset > page.next.offset
    page = found
    if (isNews) yield textOf(page)
  }
}

/** The same events. The follower is disposed when they end, or when their reader leaves. */
async function* dispose(events: AsyncGenerator<string, void, void>, follower: Follower) {
  using _follower = follower
  yield* events
}

function eventsOf(
  server: Server,
  { page, encoder }: { readonly page: Page; readonly encoder: ReadEncoder },
  cursor: string,
): string {
  const { messages, next, isUpToDate, outcome } = page
  const closed = outcome && {
    ...{ streamClosed: true, streamOutcome: outcome.type },
    ...defined({ streamOutcomeError: outcomeWords(server, outcome) }),
  }
  const control = {
    streamNextOffset: formatOffset(next),
    ...(closed === undefined && { streamCursor: cursor }),
    ...(isUpToDate && { upToDate: true }),
    ...closed,
  }
  const data = messages.length === 0 ? '' : eventText('data', encoder.event(messages))
  return `${data}${eventText('control', JSON.stringify(control))}`
}

/** One event. Each line of its text is a line of the event. */
function eventText(name: string, text: string): string {
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data:${line}\n`)
  return `event: ${name}\n${lines.join('')}\n`
}
