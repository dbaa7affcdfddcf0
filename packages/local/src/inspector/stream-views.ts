import type { ServerResponse } from 'node:http'
import type { Since, Watch } from './watch.ts'

const batchMs = 100 // events within this time are sent together
const beatMs = 1_000 // interval of updates without an event, because ages and minutes grow
const bufferedBytes = 4_194_304 // 4 MB: a viewer that does not read gets no updates until it does

/**
 * Sends views as server-sent events until the viewer disconnects: one immediately, then one at each event and each
 * second.
 */
export function streamViews(watch: Watch, response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  let since: Since = { frame: 0, run: 0 }
  let timer: NodeJS.Timeout | undefined

  function send(): void {
    clearTimeout(timer)
    timer = undefined
    if (response.writableLength > bufferedBytes) return
    const view = watch.view(since)
    since = { frame: view.frames.at(-1)?.number ?? since.frame, run: view.runs.at(-1)?.number ?? since.run }
    response.write(`data: ${JSON.stringify(view)}\n\n`)
  }
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
  send()
  const beat = setInterval(send, beatMs).unref()
  const stop = watch.onEvent(() => {
    timer ??= setTimeout(send, batchMs).unref()
  })
  response.once('close', () => {
    stop()
    clearInterval(beat)
    clearTimeout(timer)
  })
}
