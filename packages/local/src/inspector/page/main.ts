import type { InspectorStatus, ListName, UpdateMessage } from '../data-source.ts'
import { api } from './api.ts'
import { type Column, columns, titles } from './columns.ts'
import { CostPanel } from './cost-panel.ts'
import { announce, find, make, setText } from './element.ts'
import { FaultPanel } from './fault-panel.ts'
import { formatAge, formatUsd } from './format.ts'
import { ItemPane } from './item-pane.ts'
import { ListView } from './list-view.ts'
import type { PageState } from './page-state.ts'

/** What a tab shows. */
interface Tab {
  readonly name: string
  readonly button: HTMLButtonElement
  readonly content: HTMLElement
  readonly list?: ListView<ListName>
}

const behindMs = 4_000 // updates come each second
const panel = find('list-panel')
const isPhone = () => matchMedia('(max-width: 59.99rem)').matches
const tabs = new Map<string, Tab>()
const capabilities = await load()
const state: PageState = {
  capabilities,
  status: undefined,
  open: (list, id) => pane.open({ list, id }),
  addFault(connection) {
    select('faults')
    if (isPhone()) pane.close()
    faults?.choose(connection)
  },
  show(list, search) {
    select(list)
    tabs.get(list)?.list?.find(search)
    if (isPhone()) pane.close() // it covers the list
  },
}
const pane = new ItemPane(state, () => {
  for (const { list } of tabs.values()) list?.mark('')
  selected?.list?.focus()
})
const faults = capabilities.faults && new FaultPanel(state, capabilities.faults)
const cost = capabilities.cost ? new CostPanel() : undefined
let selected: Tab | undefined
let unmount = () => {}
let lastAt = Date.now()
let application = -1

for (const { name, searchFor } of capabilities.lists) {
  const options = { name, title: titles[name], columns: columns[name] as readonly Column<unknown>[], searchFor }
  const list: ListView<ListName> = new ListView({
    ...options,
    onOpen(row) {
      list.mark(row.id)
      pane.open({ list: name, id: row.id })
    },
  })
  addTab(name, titles[name], list.element, list)
}
if (faults !== undefined) addTab('faults', 'Faults', faults.element)
if (cost !== undefined) addTab('cost', 'Cost', cost.element)
select(capabilities.lists[0]?.name ?? 'cost')
setText(find('source'), capabilities.source.name)
find('totals').hidden = cost === undefined
showProblem()

const updates = api.updates()
let isLost = false
updates.addEventListener('open', () => {
  if (isLost) announce('Connected again')
  isLost = false
  showStatus('live', 'Live')
})
updates.addEventListener('error', () => {
  if (!isLost) announce('The source is not running')
  isLost = true
  showStatus('lost', 'Not running. Reconnecting…')
})
updates.addEventListener('message', ({ data }) => {
  lastAt = Date.now()
  const { skipped, ...status }: UpdateMessage = JSON.parse(data)
  showStatus('live', skipped > 0 ? `Live, ${skipped} updates skipped` : 'Live')
  update(status)
})
setInterval(() => {
  const age = Date.now() - lastAt
  if (age > behindMs && !isLost) showStatus('behind', `Behind: last update ${formatAge(age)} ago`)
}, 1_000)

async function load() {
  try {
    return await api.capabilities()
  } catch (error) {
    showStatus('lost', error instanceof Error ? error.message : String(error))
    throw error
  }
}

function showStatus(status: 'live' | 'lost' | 'behind', words: string): void {
  find('status').dataset['status'] = status
  setText(find('status'), words)
}

function showProblem(): void {
  const { problem } = state.capabilities
  find('problem').hidden = problem === undefined
  setText(find('problem'), problem === undefined ? '' : `Procedures and channels could not be read: ${problem}`)
}

function update(status: InspectorStatus): void {
  const isOther = state.status !== undefined && state.status.startedAt !== status.startedAt
  state.status = status
  if (isOther) {
    location.reload() // another line numbers its frames anew
    return
  }
  for (const { name, button, list } of tabs.values()) {
    const own = status.lists[name as ListName]
    if (own === undefined) continue
    setText(button.querySelector('span') ?? button, own.total.toLocaleString('en'))
    if (selected?.list === list) list?.update(own, status.now)
  }
  faults?.update(status.faults)
  const faultCount = status.faults.length
  setText(
    tabs.get('faults')?.button.querySelector('span') ?? make('span', {}),
    faultCount > 0 ? String(faultCount) : '',
  )
  if (status.cost !== undefined) {
    cost?.update(status.cost)
    const isHour = status.cost.span === 'last-hour'
    setText(find('per-hour-name'), isHour ? 'The last hour' : 'An hour at this rate')
    find('so-far-part').hidden = isHour
    setText(find('per-hour'), formatUsd(status.cost.usdPerHour))
    setText(find('so-far'), formatUsd(status.cost.usd))
  }
  pane.update()
  if (application >= 0 && status.application !== application) void reload()
  application = status.application
}

/** The entry was rebuilt: reads again whether its procedures can be read. */
async function reload(): Promise<void> {
  state.capabilities = await api.capabilities()
  showProblem()
}

function addTab(name: string, title: string, content: HTMLElement, list?: ListView<ListName>): void {
  const button = make(
    'button',
    {
      type: 'button',
      role: 'tab',
      id: `tab-${name}`,
      'aria-controls': 'list-panel',
      'aria-selected': 'false',
      tabindex: '-1',
    },
    title,
    ' ',
    make('span', { class: 'soft' }),
  ) as HTMLButtonElement
  button.addEventListener('click', () => select(name))
  button.addEventListener('keydown', (event) => onTabKey(event, name))
  find('tabs').append(button)
  tabs.set(name, { name, button, content, ...(list && { list }) })
}

/** Arrow keys move between tabs, as in every list of tabs. */
function onTabKey(event: KeyboardEvent, name: string): void {
  const names = [...tabs.keys()]
  const at = names.indexOf(name)
  const targets: Readonly<Record<string, number>> = {
    ArrowRight: (at + 1) % names.length,
    ArrowLeft: (at + names.length - 1) % names.length,
    Home: 0,
    End: names.length - 1,
  }
  const target = names[targets[event.key] ?? -1]
  if (target === undefined) return
  event.preventDefault()
  select(target)
  tabs.get(target)?.button.focus()
}

function select(name: string): void {
  const tab = tabs.get(name)
  if (tab === undefined || tab === selected) return
  selected = tab
  for (const each of tabs.values()) {
    each.button.setAttribute('aria-selected', String(each === tab))
    each.button.tabIndex = each === tab ? 0 : -1
  }
  panel.setAttribute('aria-labelledby', tab.button.id)
  unmount()
  panel.replaceChildren(tab.content)
  tab.button.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  unmount = tab.list?.mount() ?? (() => {})
  const own = state.status?.lists[name as ListName]
  if (own !== undefined) tab.list?.update(own, state.status?.now ?? Date.now())
}
