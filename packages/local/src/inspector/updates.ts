import type { ServerResponse } from 'node:http'
import type { InspectorSource, UpdateMessage } from './data-source.ts'

const batchMs = 100 // changes within this time are sent together
const beatMs = 1_000 // interval of updates without a change, because ages and minutes grow
const bufferedBytes = 262_144 // 256 KB: a page that does not read gets no updates until it does

/**
 * Sends the status as server-sent events until the viewer disconnects: one immediately, then one at each change and each
 * second. A viewer that does not read misses updates, and the next one says how many.
 */
export function streamUpdates(
  source: InspectorSource,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
): void {
  let skipped = 0
  let timer: NodeJS.Timeout | undefined

  function send(): void {
    clearTimeout(timer)
    timer = undefined
    if (response.writableLength > bufferedBytes) {
      skipped += 1
      return
    }
    const message: UpdateMessage = { ...source.status(), skipped }
    skipped = 0
    response.write(`data: ${JSON.stringify(message)}\n\n`)
  }
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
  send()
  const beat = setInterval(send, beatMs).unref()
  const stop = source.onChange(() => {
    timer ??= setTimeout(send, batchMs).unref()
  })
  response.once('close', () => {
    stop()
    clearInterval(beat)
    clearTimeout(timer)
  })
}
