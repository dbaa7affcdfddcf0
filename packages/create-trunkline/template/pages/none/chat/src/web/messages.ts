import type { ChatState, Draft, Row } from './chat-state.ts'
import { create, createList } from './dom.ts'
import type { Chat } from './join-chat.ts'
import { timeOf } from './page.ts'

/** The messages of the room, then those that are being sent. */
export function createMessages(chat: Chat): { readonly element: HTMLElement; show(state: ChatState): void } {
  const older = create('button', { type: 'button', className: 'older' }, 'Show older messages')
  older.addEventListener('click', () => void chat.loadOlder())
  const rows = create('div', { className: 'rows' })
  const drafts = create('div', { className: 'rows' })
  const empty = create('p', { className: 'empty' }, 'Nobody has written yet.')
  const all = create('div', {}, older, rows, drafts, empty)
  const element = create('div', { className: 'scroll', role: 'log', 'aria-label': 'Messages', tabIndex: 0 }, all)
  const showRows = createList<Row>(
    rows,
    ({ id }) => id,
    (row) => ({ element: createRow(row, chat.me), show() {} }),
  )
  const showDrafts = createList<Draft>(
    drafts,
    ({ id, problem }) => `${id} ${problem}`,
    (draft) => ({
      element: createDraft(draft, chat),
      show() {},
    }),
  )
  return {
    element,
    show(state) {
      element.setAttribute('aria-busy', String(state.rows === null))
      older.hidden = state.older === null
      empty.hidden = state.rows === null || state.rows.length + state.drafts.length > 0
      showRows(state.rows ?? [])
      showDrafts(state.drafts)
    },
  }
}

function createRow(row: Row, me: string): HTMLElement {
  if (row.kind === 'gap') return create('p', { className: 'gap' }, 'Some messages are missing here.')
  const author = create('span', { className: 'author' }, row.author)
  const time = create('time', { className: 'soft' }, timeOf(row.at))
  return create('p', { className: 'row message', 'data-mine': row.author === me }, author, row.text, ' ', time)
}

function createDraft(draft: Draft, chat: Chat): HTMLElement {
  const state =
    draft.problem === null
      ? create('span', { className: 'soft' }, 'sending…')
      : create('button', { type: 'button', className: 'small' }, `Not sent: ${draft.problem} Send again`)
  if (draft.problem !== null) state.addEventListener('click', () => chat.retry(draft))
  return create('p', { className: 'row message', 'data-mine': true }, draft.text, ' ', state)
}
