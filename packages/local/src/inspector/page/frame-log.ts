import type { Numbered } from '../recent.ts'
import type { FrameView } from '../view.ts'
import { find, make } from './element.ts'
import { formatBytes, formatJson, formatTime, shorten } from './format.ts'
import { createFrameNames } from './frame-name.ts'

const most = 500 // rows kept on the page

/** The log of frames, newest first. It does not change while it is paused. */
export function createFrameLog(): { add(frames: readonly Numbered<FrameView>[]): void } {
  const list = find('frames')
  const filter = find<HTMLInputElement>('filter')
  const pause = find('pause')
  const nameOf = createFrameNames()
  const held: HTMLElement[] = []
  list.append(make('p', { class: 'empty' }, 'No frames yet.'))

  const isPaused = () => pause.getAttribute('aria-pressed') === 'true'
  const matches = (row: HTMLElement) => row.dataset['search']?.includes(filter.value.trim().toLowerCase()) === true
  function show(rows: readonly HTMLElement[]): void {
    if (rows.length === 0) return
    list.querySelector('.empty')?.remove()
    for (const row of rows) {
      row.hidden = !matches(row)
      list.prepend(row)
    }
    while (list.childElementCount > most) list.lastElementChild?.remove()
  }
  filter.addEventListener('input', () => {
    for (const row of list.querySelectorAll<HTMLElement>('details')) row.hidden = !matches(row)
  })
  pause.addEventListener('click', () => {
    pause.setAttribute('aria-pressed', String(!isPaused()))
    if (!isPaused()) show(held.splice(0))
  })
  return {
    add(frames) {
      const rows = frames.map((frame) => toRow(frame, nameOf(frame.connectionId, frame.text)))
      if (!isPaused()) return show(rows)
      held.push(...rows)
      held.splice(0, held.length - most)
    },
  }
}

function toRow(frame: FrameView, { type, path }: { readonly type: string; readonly path: string }): HTMLElement {
  const { direction, connectionId, text, bytes, at } = frame
  const part = (kind: string, text: string) => make('span', { class: kind }, text)
  const summary = make(
    'summary',
    {},
    part('time soft', formatTime(at)),
    make('span', { class: 'direction', title: direction, 'aria-label': direction }, direction === 'in' ? '↑' : '↓'),
    part('connection soft', shorten(connectionId)),
    part('type', type),
    part('path', path),
    part('number soft', formatBytes(bytes)),
  )
  const search = `${connectionId} ${type} ${path} ${text}`.toLowerCase()
  const row = make('details', { 'data-direction': direction, 'data-type': type, 'data-search': search }, summary)
  // a row's details are rendered when it is opened
  row.addEventListener('toggle', () => row.childElementCount > 1 || row.append(make('pre', {}, formatJson(text))))
  return row
}
