import type { ListItems, ListName } from '../data-source.ts'
import { api } from './api.ts'
import { announce, find, make, setText } from './element.ts'
import { showItem } from './items.ts'
import type { PageState } from './page-state.ts'

interface Place {
  readonly list: ListName
  readonly id: string
}

const refreshMs = 1_000
const mostBack = 50
/** The lists whose rows change after they were opened. A call gets its answer and its runs. */
const changing: readonly ListName[] = ['frames', 'connections', 'topics', 'presence', 'streams']
const frameChangesMs = 60_000 // a later answer is found by opening the frame again

/** The pane with the opened row, and the way back through those before it. */
export class ItemPane {
  readonly #state: PageState
  readonly #onClose: () => void
  readonly #pane = find('item')
  readonly #title = find('item-title')
  readonly #body = find('item-body')
  readonly #back = find<HTMLButtonElement>('item-back')
  readonly #before: Place[] = []
  #place: Place | undefined
  #version = -1
  #openedAt = 0
  #refreshing: ReturnType<typeof setTimeout> | undefined

  /** `onClose` is called after the pane was closed, so that the focus returns to the list. */
  constructor(state: PageState, onClose: () => void) {
    this.#state = state
    this.#onClose = onClose
    this.#back.addEventListener('click', () => {
      const place = this.#before.pop()
      if (place !== undefined) void this.#load(place)
    })
    find('item-close').addEventListener('click', () => this.close())
    this.#pane.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.close()
    })
  }

  get place(): Place | undefined {
    return this.#place
  }

  open(place: Place): void {
    if (this.#place !== undefined) this.#before.push(this.#place)
    this.#before.splice(0, this.#before.length - mostBack)
    void this.#load(place)
  }

  close(): void {
    this.#place = undefined
    this.#before.length = 0
    this.#pane.hidden = true
    this.#onClose()
  }

  /** Shows the row again if its list has changed. */
  update(): void {
    const list = this.#place?.list
    if (list === undefined || !changing.includes(list)) return
    if (list === 'frames' && Date.now() - this.#openedAt > frameChangesMs) return
    const version = this.#state.status?.lists[list]?.version ?? 0
    if (version === this.#version) return
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined
      this.#version = version
      void this.#refresh()
    }, refreshMs)
  }

  async #load(place: Place): Promise<void> {
    this.#place = place
    this.#openedAt = Date.now()
    this.#version = this.#state.status?.lists[place.list]?.version ?? 0
    this.#back.hidden = this.#before.length === 0
    this.#pane.hidden = false
    this.#pane.ariaBusy = 'true' // the row before is shown faint until this one is there
    try {
      const { title, fixed, live } = await this.#show(place)
      if (this.#place !== place) return
      setText(this.#title, title)
      live.dataset['live'] = ''
      const isForm = place.list === 'procedures' || place.list === 'channels'
      const parts = fixed === undefined ? [live] : isForm ? [fixed, live] : [live, fixed]
      this.#body.replaceChildren(...parts)
      this.#body.scrollTop = 0
      announce(`${title} opened`)
    } catch (error) {
      if (this.#place === place) this.#showProblem(error)
    }
    if (this.#place === place) this.#pane.ariaBusy = 'false'
    this.#title.focus({ preventScroll: true })
  }

  async #refresh(): Promise<void> {
    const place = this.#place
    if (place === undefined) return
    const old = this.#body.querySelector('[data-live]')
    if (old === null || old.contains(document.activeElement)) return // the focus stays where it is
    try {
      const { live } = await this.#show(place)
      if (this.#place !== place || old.contains(document.activeElement)) return
      live.dataset['live'] = ''
      old.replaceWith(live)
    } catch {
      setText(this.#title, `${this.#title.textContent?.replace(/ \(ended\)$/, '')} (ended)`)
    }
  }

  async #show<K extends ListName>({ list, id }: { readonly list: K; readonly id: string }) {
    const item: ListItems[K] = await api.open(list, id)
    return showItem[list](item, this.#state)
  }

  #showProblem(error: unknown): void {
    setText(this.#title, 'Not found')
    this.#body.replaceChildren(make('p', {}, error instanceof Error ? error.message : String(error)))
  }
}
