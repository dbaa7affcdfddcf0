// One file over 200 lines: how each kind of opened row is shown, in one table.

import type {
  ConnectionItem,
  EventView,
  FrameItem,
  FrameRow,
  ListItems,
  ListName,
  PresenceItem,
  RunItem,
  RunRow,
  StreamItem,
  SubscriptionView,
  TopicItem,
} from '../data-source.ts'
import { api } from './api.ts'
import { createCallForm } from './call-form.ts'
import { readable } from './columns.ts'
import { make, makeButton, makeField } from './element.ts'
import { makeForm } from './fault-panel.ts'
import { formatAge, formatBytes, formatDate, formatDistance, formatJson, formatTime, shorten } from './format.ts'
import { can, createOutcome, has, type PageState } from './page-state.ts'
import { createPublishForm } from './publish-form.ts'

/** An opened row. */
export interface Opened {
  readonly title: string
  /** What stays while the row changes, such as forms. */
  readonly fixed?: HTMLElement
  /** What is shown again at each change. */
  readonly live: HTMLElement
}

type Show = { readonly [K in ListName]: (item: ListItems[K], state: PageState) => Opened }

/** Shows the opened rows of each list. `fixed` is used of the first one only. */
export const showItem: Show = {
  frames: (item, state) => ({ title: `Frame ${item.number}`, live: showFrame(item, state) }),
  runs: (item, state) => ({ title: `Run of ${item.name}`, live: showRun(item, state) }),
  connections: (item, state) => ({
    title: `Connection ${shorten(item.id)}`,
    live: showConnection(item, state),
    fixed: connectionActions(item, state),
  }),
  topics: (item, state) => ({ title: readable(item.id), live: showTopic(item, state), fixed: topicForm(item, state) }),
  presence: (item, state) => ({ title: readable(item.id), live: showPresence(item, state) }),
  streams: (item, state) => ({ title: readable(item.id), live: showStream(item, state) }),
  procedures: (item, state) => ({
    title: item.id,
    fixed: can(state, 'call') ? createCallForm(state, item) : make('div', {}),
    live: make(
      'div',
      {},
      facts([
        ['Type', item.type],
        ['Notes', item.notes.join(', ') || undefined],
      ]),
      schema('Input', item.input),
    ),
  }),
  channels: (item, state) => ({
    title: item.id,
    fixed: can(state, 'publish') && isPublished(item.kind) ? createPublishForm(item) : make('div', {}),
    live: make(
      'div',
      {},
      facts([
        ['Kind', item.kind],
        ['Kept for', item.retentionMs === undefined ? undefined : formatAge(item.retentionMs)],
      ]),
      schema('Key', item.key),
      schema(item.kind === 'presence' ? 'Data of a member' : item.kind === 'stream' ? 'Chunk' : 'Event', item.event),
    ),
  }),
}

const isPublished = (kind: string) => kind === 'log' || kind === 'ephemeral'

function showFrame(item: FrameItem, state: PageState): HTMLElement {
  const { direction, connectionId, type, path, code, bytes, at, text } = item
  const cut = bytes > new Blob([text]).size && !text.includes('•••') ? ', shown in part' : ''
  return make(
    'div',
    {},
    facts([
      ['Direction', direction === 'in' ? 'in, from the client' : 'out, to the client'],
      ['Time', formatTime(at)],
      ['Connection', link(state, 'connections', connectionId)],
      ['Type', type],
      ['Error', code],
      ['Procedure', path === '' ? undefined : link(state, 'procedures', path)],
      ['Size', `${formatBytes(bytes)}${cut}`],
    ]),
    json(text),
    ...frameLinks('Frames of the same call', item.frames, state, item.id),
    ...runLinks('Runs of the call', item.runs, state),
  )
}

function showRun(item: RunItem, state: PageState): HTMLElement {
  const { name, cause, outcome, code, durationMs, initMs, attempt, endedAt, requestId, connectionId, error, output } =
    item
  return make(
    'div',
    {},
    facts([
      ['Function', name],
      ['Ran', cause],
      ['Outcome', outcome],
      ['Error code', code],
      ['Duration', `${Math.round(durationMs)} ms`],
      ['Start', initMs === undefined ? 'warm' : `cold, ${Math.round(initMs)} ms`],
      ['Attempt', attempt === 1 ? undefined : String(attempt)],
      ['Ended', formatTime(endedAt)],
      ['Request id', codeText(requestId)],
      ['Connection', connectionId === undefined ? undefined : link(state, 'connections', connectionId)],
    ]),
    ...(error === undefined
      ? []
      : [
          heading('Thrown'),
          make('pre', { class: 'stderr' }, [`${error.type}: ${error.message}`, ...error.trace.slice(1)].join('\n')),
        ]),
    heading('Console'),
    output.length === 0
      ? make('p', { class: 'soft' }, 'The function wrote nothing.')
      : make('div', {}, ...output.map(({ stream, text }) => make('pre', { class: stream }, text))),
    ...(item.isOutputCut ? [make('p', { class: 'soft' }, 'The rest of the output is in the terminal.')] : []),
    ...frameLinks('Frames of the call', item.frames, state),
  )
}

function showConnection(item: ConnectionItem, state: PageState): HTMLElement {
  const now = state.status?.now ?? Date.now()
  const when = (at: number | undefined) =>
    at === undefined ? undefined : `${formatDate(at)} (${formatDistance(at, now)})`
  return make(
    'div',
    {},
    facts([
      ['Id', codeText(item.id)],
      ['Principal', item.principal ?? 'anonymous'],
      ['Session', item.session === undefined ? undefined : codeText(item.session)],
      ['Client', item.via === 'http' ? `${item.client}, over HTTP` : item.client],
      ['State', item.state],
      ['Connected', when(item.connectedAt)],
      ['Last active', when(item.lastActiveAt)],
      ['Token ends', when(item.authExpires) ?? 'never'],
      ['Token issued', when(item.issuedAt)],
      ['Token renewed', when(item.renewedAt)],
      ['Address', item.sourceIp],
      ['User agent', item.userAgent],
    ]),
    ...(item.claims === undefined ? [] : [heading('Claims'), json(JSON.stringify(item.claims))]),
    heading(`Subscriptions (${item.subscriptions.length})`),
    subscriptionTable(item.subscriptions, ['path', 'topic'], state),
    make(
      'p',
      { class: 'links' },
      ...(has(state, 'frames') ? [makeButton('Its frames', () => state.show('frames', item.id))] : []),
      ...(has(state, 'runs') ? [makeButton('Its runs', () => state.show('runs', item.id))] : []),
    ),
  )
}

function connectionActions({ id, via, authExpires }: ConnectionItem, state: PageState): HTMLElement {
  const outcome = createOutcome()
  const button = (label: string, action: 'cut' | 'expireToken' | 'twoHours') =>
    can(state, action) ? [makeButton(label, () => void outcome.run(() => ({ action, connection: id })))] : []
  const reason = make('input', {
    type: 'text',
    required: '',
    maxlength: '200',
    value: 'Kicked in the inspector.',
  }) as HTMLInputElement
  const ban = make('input', { type: 'number', min: '0', step: '1', value: '0' }) as HTMLInputElement
  const kick = makeForm(
    'Kick this connection',
    [makeField('Reason', reason, 'Its client gets it'), makeField('Ban in seconds', ban, '0: no ban')],
    'Kick',
    () =>
      void outcome.run(() => ({
        ...{ action: 'kick', connection: id, reason: reason.value },
        ...(Number(ban.value) > 0 && { banMs: Number(ban.value) * 1_000 }),
      })),
  )
  const isSocket = via === 'socket'
  return make(
    'div',
    {},
    make(
      'p',
      { class: 'links' },
      ...(isSocket ? button('Cut the socket', 'cut') : []),
      ...(isSocket && authExpires !== undefined ? button('Expire its token', 'expireToken') : []),
      ...(isSocket ? button('Its two hours', 'twoHours') : []),
      ...(isSocket && can(state, 'fault') ? [makeButton('Fault for it …', () => state.addFault(id))] : []),
    ),
    ...(can(state, 'kick') ? [kick] : []),
    outcome.element,
  )
}

function showTopic(item: TopicItem, state: PageState): HTMLElement {
  const list = make('div', { class: 'events' }, ...item.events.map(showEvent))
  const older = make('p', { class: 'links' })
  let { before } = item
  const addOlder = async () => {
    if (before === undefined) return
    const next = await api.open('topics', item.id, { before })
    list.append(...next.events.map(showEvent))
    before = next.before
    older.hidden = before === undefined
  }
  older.append(makeButton('Older events', () => void addOlder()))
  older.hidden = before === undefined
  return make(
    'div',
    {},
    facts([
      ['Topic', codeText(item.id)],
      ['Channel', link(state, 'channels', item.channel)],
      ['Newest event', item.head === undefined ? undefined : String(item.head)],
      ['Subscribers', String(item.subscribers)],
    ]),
    heading('Events, newest first'),
    item.events.length === 0 ? make('p', { class: 'soft' }, 'None in the log.') : list,
    older,
    heading('Subscribers'),
    subscriptionTable(item.subscriptions, ['connectionId', 'path'], state),
  )
}

function showEvent({ offset, at, data, erasedAt }: EventView): HTMLElement {
  const words = erasedAt === undefined ? 'no event' : `erased ${formatDate(erasedAt)}`
  const head = make('h4', {}, `${offset} `, make('span', { class: 'soft' }, formatDate(at)))
  return make('div', {}, head, data === undefined ? make('p', { class: 'soft' }, words) : json(data))
}

/** The form that publishes to a topic. It appears once the channel's schema is known. */
function topicForm({ channel, key }: TopicItem, state: PageState): HTMLElement {
  const box = make('div', {})
  if (!can(state, 'publish') || key === undefined) return box
  void api
    .open('channels', channel)
    .then((item) => {
      if (isPublished(item.kind)) box.append(createPublishForm(item, key))
    })
    .catch(() => {}) // a topic of a channel that the entry no longer declares has no form
  return box
}

function showPresence(item: PresenceItem, state: PageState): HTMLElement {
  const now = state.status?.now ?? Date.now()
  const rows = item.people.map(({ member, data, sessions }) => {
    const places = sessions.map(({ connectionId, leaving, leaseUntil }) =>
      make(
        'div',
        {},
        link(state, 'connections', connectionId),
        leaving ? ` leaves ${formatDistance(leaseUntil, now)}` : '',
      ),
    )
    return [member, make('pre', {}, formatJson(data)), make('div', {}, ...places)] as const
  })
  return make(
    'div',
    {},
    facts([
      ['Topic', link(state, 'topics', item.id)],
      ['Channel', link(state, 'channels', item.channel)],
    ]),
    heading(`Members (${item.members})`),
    table(['Member', 'Data', 'Sessions'], rows),
    ...(item.members > item.people.length ? [make('p', { class: 'soft' }, `The first ${item.people.length}.`)] : []),
  )
}

function showStream(item: StreamItem, state: PageState): HTMLElement {
  return make(
    'div',
    {},
    facts([
      ['Topic', link(state, 'topics', item.id)],
      ['Channel', link(state, 'channels', item.channel)],
      ['State', item.state],
      ['Outcome', item.outcome],
      ['Error', item.error && `${item.error.code}: ${item.error.message}`],
      ['Chunks of this run', String(item.chunks)],
      ['Claims without a chunk', String(item.tries)],
      ['Started', formatDate(item.startedAt)],
    ]),
  )
}

function subscriptionTable(
  subscriptions: readonly SubscriptionView[],
  members: readonly ('path' | 'topic' | 'connectionId')[],
  state: PageState,
): HTMLElement {
  if (subscriptions.length === 0) return make('p', { class: 'soft' }, 'None.')
  const names = { path: 'Procedure', topic: 'Topic', connectionId: 'Connection' } as const
  const lists = { path: 'procedures', topic: 'topics', connectionId: 'connections' } as const
  const toCells = (one: SubscriptionView) => members.map((member) => link(state, lists[member], one[member]))
  return table(
    members.map((member) => names[member]),
    subscriptions.map(toCells),
  )
}

function frameLinks(title: string, frames: readonly FrameRow[], state: PageState, own = ''): readonly HTMLElement[] {
  if (frames.length === 0) return []
  const rows = frames.map(({ id, at, direction, type, code }) => [
    id === own ? 'this one' : button(`Frame ${id}`, () => state.open('frames', id)),
    formatTime(at),
    direction === 'in' ? '↑ in' : '↓ out',
    code === undefined ? type : `${type} ${code}`,
  ])
  return [heading(title), table(['Frame', 'Time', 'Direction', 'Type'], rows)]
}

function runLinks(title: string, runs: readonly RunRow[], state: PageState): readonly HTMLElement[] {
  if (runs.length === 0) return []
  const rows = runs.map(({ id, name, durationMs, outcome, code }) => [
    button(`Run ${id}`, () => state.open('runs', id)),
    name,
    `${Math.round(durationMs)} ms`,
    code ?? outcome,
  ])
  return [heading(title), table(['Run', 'Function', 'Time', 'Outcome'], rows)]
}

/** A link to a row of another list; its text where the source does not have that list. */
function link(state: PageState, list: ListName, id: string): Node {
  const text = list === 'connections' ? shorten(id) : list === 'topics' ? readable(id) : id
  return has(state, list) ? button(text, () => state.open(list, id), id) : codeText(text)
}

function button(text: string, onClick: () => void, title = ''): HTMLElement {
  return makeButton(text, onClick, { class: 'link', ...(title !== '' && title !== text && { title }) })
}

function codeText(text: string): HTMLElement {
  return make('span', { class: 'code' }, text)
}

function heading(text: string): HTMLElement {
  return make('h3', {}, text)
}

/** JSON text that can be reached by keyboard, because it may scroll. */
function json(text: string): HTMLElement {
  return make('pre', { tabindex: '0' }, formatJson(text))
}

function schema(title: string, value: unknown): HTMLElement {
  if (value === undefined) return make('p', { class: 'soft' }, `${title}: none.`)
  return make(
    'details',
    {},
    make('summary', {}, `${title} as JSON Schema`),
    make('pre', {}, JSON.stringify(value, null, 2)),
  )
}

/** Names and values. Those without a value are left out. */
function facts(rows: readonly (readonly [string, Node | string | undefined])[]): HTMLElement {
  const shown = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [make('dt', {}, name), make('dd', {}, value)],
  )
  return make('dl', { class: 'facts' }, ...shown)
}

function table(heads: readonly string[], rows: readonly (readonly (Node | string)[])[]): HTMLElement {
  const head = make('tr', {}, ...heads.map((text) => make('th', { scope: 'col' }, text)))
  const body = rows.map((cells) => make('tr', {}, ...cells.map((one) => make('td', {}, one))))
  return make('table', {}, make('thead', {}, head), make('tbody', {}, ...body))
}
