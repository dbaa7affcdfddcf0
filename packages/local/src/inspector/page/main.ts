import type { Numbered } from '../recent.ts'
import type { FaultRequest, InspectorView, RunView } from '../view.ts'
import { find } from './element.ts'
import { createFrameLog } from './frame-log.ts'
import { showConnections, showCost, showRuns, showTopics } from './panels.ts'

const mostRuns = 200
const delayMs = 2_000
const status = find('status')
const delay = find('delay')
const log = createFrameLog()
const events = new EventSource('/_inspector/events')
let runs: readonly Numbered<RunView>[] = []
let seen = { frame: 0, run: 0, startedAt: 0 }

events.addEventListener('open', () => showStatus('live', 'Live'))
events.addEventListener('error', () => showStatus('lost', 'The line is not running. Reconnecting…'))
events.addEventListener('message', ({ data }) => show(JSON.parse(data)))
find('cut').addEventListener('click', () => sendFault({ cut: true }))
delay.addEventListener('click', () => sendFault({ answerDelayMs: isDelayed() ? 0 : delayMs }))

// Safari scrolls only focusable elements by keyboard
for (const box of document.querySelectorAll<HTMLElement>('.scroll')) box.tabIndex = 0

function showStatus(state: 'live' | 'lost', words: string): void {
  status.dataset['status'] = state
  status.textContent = words
}

/** Handles a view. A reconnected stream repeats what the page already has, unless the line was restarted. */
function show(view: InspectorView): void {
  if (view.startedAt !== seen.startedAt) seen = { frame: 0, run: 0, startedAt: view.startedAt }
  const frames = view.frames.filter(({ number }) => number > seen.frame)
  const fresh = view.runs.filter(({ number }) => number > seen.run)
  seen = { ...seen, frame: frames.at(-1)?.number ?? seen.frame, run: fresh.at(-1)?.number ?? seen.run }
  log.add(frames)
  runs = [...runs, ...fresh].slice(-mostRuns)
  if (fresh.length > 0 || runs.length === 0) showRuns(runs)
  showConnections(view)
  showTopics(view.topics)
  showCost(view.cost)
  delay.setAttribute('aria-pressed', String(view.answerDelayMs > 0))
}

function isDelayed(): boolean {
  return delay.getAttribute('aria-pressed') === 'true'
}

async function sendFault(request: FaultRequest): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  await fetch('/_inspector/faults', { method: 'POST', headers, body: JSON.stringify(request) })
}
