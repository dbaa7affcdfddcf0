// One file over 200 lines: the rows, what is loaded of them and the keyboard share the state of one list.

import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ListName, ListPage, ListQuery, ListRows, ListStatus } from '../data-source.ts'
import { api } from './api.ts'
import type { Column } from './columns.ts'
import { announce, make, makeButton, setText } from './element.ts'

export interface ListViewOptions<K extends ListName> {
  readonly name: K
  readonly title: string
  readonly columns: readonly Column<ListRows[K]>[]
  /** What to search for in a list that is empty without a search. */
  readonly searchFor?: string | undefined
  readonly onOpen: (row: ListRows[K]) => void
}

const pageRows = 100 // of one request
const sayMs = 600 // of rest after a search before its result is announced
const refreshMs = 250 // between two refreshes
const phone = matchMedia('(max-width: 59.99rem)')
const phoneRowPx = 48
const tableRowPx = 26

/**
 * A list whose rows are rendered only where they are seen. It shows a part of the list as it was at one time: while the
 * newest rows are seen it follows them, and otherwise the rows stay where they are.
 */
export class ListView<K extends ListName> {
  readonly element: HTMLElement
  readonly #options: ListViewOptions<K>
  readonly #search: HTMLInputElement
  readonly #pause: HTMLButtonElement
  readonly #fresh: HTMLButtonElement
  readonly #note = make('p', { class: 'note', hidden: '' })
  readonly #count = make('span', { class: 'soft count' })
  readonly #grid: HTMLElement
  readonly #space = make('div', { class: 'space', role: 'rowgroup' })
  readonly #empty = make('p', { class: 'empty' })
  readonly #virtualizer: Virtualizer<HTMLElement, HTMLElement>
  #rowPx = phone.matches ? phoneRowPx : tableRowPx
  readonly #elements = new Map<number, HTMLElement>()
  /** The rows that are loaded, by their offset in the view. */
  #rows = new Map<number, ListRows[K]>()
  #total = 0
  #through: number | undefined
  #status: ListStatus = { total: 0, version: -1 }
  #shownVersion = -1
  #now = Date.now()
  #active = -1
  #openId = ''
  #more = false
  #isRefreshing = false
  #saying: ReturnType<typeof setTimeout> | undefined
  /** The number of views that were requested: an answer for an older one is dropped. */
  #views = 0
  #refreshing: ReturnType<typeof setTimeout> | undefined
  #loading = new Set<number>()

  constructor(options: ListViewOptions<K>) {
    const { name, title, columns } = options
    this.#options = options
    const label = `Search ${title.toLowerCase()}`
    const placeholder = options.searchFor === undefined ? 'Search' : `Search for ${options.searchFor}`
    this.#search = make('input', {
      type: 'search',
      placeholder,
      'aria-label': label,
      autocomplete: 'off',
      spellcheck: 'false',
    }) as HTMLInputElement
    this.#pause = makeButton('Pause', () => this.#onPause(), { 'aria-pressed': 'false' })
    this.#fresh = makeButton('', () => this.follow(), { class: 'fresh', hidden: '' })
    const heads = columns.map(({ label, kind = '', phone = '' }) =>
      make('span', { role: 'columnheader', class: kind, 'data-phone': phone }, label),
    )
    const head = make('div', { role: 'row', class: 'row head', 'aria-rowindex': '1' }, ...heads)
    this.#grid = make(
      'div',
      { role: 'grid', tabindex: '0', class: 'grid', 'aria-label': title, 'aria-colcount': String(columns.length) },
      make('div', { role: 'rowgroup', class: 'headgroup' }, head),
      this.#space,
    )
    this.#grid.style.setProperty('--columns', columns.map(({ width }) => width).join(' '))
    const tools = make('div', { class: 'tools' }, this.#search, this.#count, this.#fresh, this.#pause)
    this.element = make('div', { class: 'list', 'data-list': name }, tools, this.#note, this.#grid, this.#empty)
    this.#virtualizer = this.#createVirtualizer()
    this.#listen()
  }

  /** Begins to observe the size of the list. Call it when the element is in the document. */
  mount(): () => void {
    const unmount = this.#virtualizer._didMount()
    this.#virtualizer._willUpdate()
    this.#render()
    if (!this.#isPaused || this.#views === 0) void this.#refresh()
    return unmount
  }

  /** Handles the list's current counts. */
  update(status: ListStatus, now: number): void {
    this.#status = status
    this.#now = now
    this.#renderCount()
    if (status.version !== this.#shownVersion) this.#refreshSoon()
    else this.#render() // ages
  }

  /** Sets the search, such as a connection's id. */
  find(search: string): void {
    this.#search.value = search
    this.follow()
  }

  /** Shows the newest rows, and follows them. */
  follow(): void {
    this.#grid.scrollTop = 0
    this.#active = -1
    this.#more = false
    void this.#refresh()
  }

  focus(): void {
    this.#grid.focus()
  }

  /** Marks the row that is opened. */
  mark(id: string): void {
    this.#openId = id
    this.#render()
  }

  #createVirtualizer(): Virtualizer<HTMLElement, HTMLElement> {
    return new Virtualizer<HTMLElement, HTMLElement>(this.#virtualizerOptions())
  }

  #virtualizerOptions() {
    const rowPx = this.#rowPx
    return {
      count: this.#total,
      getScrollElement: () => this.#grid,
      estimateSize: () => rowPx, // of 100,000 rows: the media query takes too long to be read for each
      overscan: 8,
      scrollPaddingStart: rowPx,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange: () => this.#render(),
    }
  }

  #listen(): void {
    this.#search.addEventListener('input', () => this.#onSearch())
    this.#grid.addEventListener('keydown', (event) => this.#onKey(event))
    this.#space.addEventListener('click', (event) => {
      const index = Number((event.target as HTMLElement).closest<HTMLElement>('.row')?.dataset['index'] ?? -1)
      if (index >= 0) this.#open(index)
    })
    phone.addEventListener('change', ({ matches }) => {
      this.#rowPx = matches ? phoneRowPx : tableRowPx
      this.#virtualizer.setOptions(this.#virtualizerOptions())
      this.#virtualizer.measure()
      this.#render()
    })
  }

  get #isPaused(): boolean {
    return this.#pause.getAttribute('aria-pressed') === 'true'
  }

  /** Whether the rows may change: the newest ones are seen, and nothing holds the list. */
  get #isFollowing(): boolean {
    return !this.#isPaused && this.#grid.scrollTop < this.#rowPx && this.#active <= 0
  }

  /** Frames and runs have numbers, so that a view can stay while rows arrive. */
  get #isNumbered(): boolean {
    return this.#options.name === 'frames' || this.#options.name === 'runs'
  }

  #onPause(): void {
    this.#pause.setAttribute('aria-pressed', String(!this.#isPaused))
    if (!this.#isPaused) void this.#refresh()
  }

  #onSearch(): void {
    clearTimeout(this.#saying)
    this.#saying = setTimeout(() => this.#sayTotal(), sayMs)
    this.#grid.setAttribute('aria-busy', 'true')
    this.follow()
  }

  #sayTotal(): void {
    if (this.#isRefreshing) this.#saying = setTimeout(() => this.#sayTotal(), sayMs)
    else announce(`${this.#total} ${this.#options.title.toLowerCase()} found`)
  }

  #onKey(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.#grid.clientHeight / this.#rowPx) - 2)
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: this.#active + 1,
      ArrowUp: this.#active - 1,
      PageDown: this.#active + page,
      PageUp: this.#active - page,
      Home: 0,
      End: this.#total - 1,
    }
    const target = targets[event.key]
    if (target !== undefined) this.#activate(target)
    else if (event.key === 'Enter' || event.key === ' ') this.#open(this.#active)
    else return
    event.preventDefault()
  }

  #activate(index: number): void {
    if (this.#total === 0) return
    this.#active = Math.min(this.#total - 1, Math.max(0, index))
    this.#virtualizer.scrollToIndex(this.#active, { align: 'auto' })
    this.#render()
  }

  #open(index: number): void {
    const row = this.#rows.get(index)
    if (row === undefined) return
    this.#active = index
    this.#options.onOpen(row)
  }

  #refreshSoon(): void {
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined
      if (this.#isRefreshing) this.#refreshSoon()
      else void this.#refresh(!this.#isFollowing)
    }, refreshMs)
  }

  /** Loads the seen rows of the newest view; of the same view if `keep` and the rows are numbered. */
  async #refresh(keep = false): Promise<void> {
    if (keep && (this.#isNumbered || this.#isPaused)) return this.#render()
    const { version } = this.#status
    const first = this.#isNumbered ? 0 : Math.max(0, this.#firstSeen() - 20)
    this.#isRefreshing = true
    this.#views += 1
    const page = await this.#request({ offset: first })
    if (page === undefined) return
    this.#isRefreshing = false
    this.#rows = new Map(page.rows.map((row, index) => [first + index, row]))
    this.#loading.clear()
    this.#through = page.through
    this.#shownVersion = page.through ?? version
    this.#showNote(page.unread, true)
    this.#resize(page.total)
    this.#render()
    this.#grid.removeAttribute('aria-busy')
  }

  #resize(total: number): void {
    this.#total = total
    this.#virtualizer.setOptions(this.#virtualizerOptions())
    this.#virtualizer._willUpdate()
  }

  #firstSeen(): number {
    return Math.floor(this.#grid.scrollTop / this.#rowPx)
  }

  /** Loads the rows that are seen and missing. */
  #loadSeen(): void {
    for (const { index } of this.#virtualizer.getVirtualItems()) {
      const first = Math.floor(index / pageRows) * pageRows
      if (this.#rows.has(index) || this.#loading.has(first)) continue
      this.#loading.add(first)
      void this.#loadPage(first)
    }
  }

  async #loadPage(first: number): Promise<void> {
    const through = this.#through
    const page = await this.#request({ offset: first, ...(through !== undefined && { through }) })
    if (page === undefined) return // a newer view loads its own rows
    for (const [index, row] of page.rows.entries()) this.#rows.set(first + index, row)
    if (page.total !== this.#total) this.#resize(page.total) // the oldest rows were dropped meanwhile
    this.#render()
  }

  /** Undefined when a newer view was requested meanwhile, or when the request failed. */
  async #request(part: Pick<ListQuery, 'offset' | 'through'>): Promise<ListPage<ListRows[K]> | undefined> {
    const view = this.#views
    try {
      const query = { search: this.#search.value, limit: pageRows, more: this.#more, ...part }
      this.#more = false // it was asked for once
      const page = await api.list(this.#options.name, query)
      return view === this.#views ? page : undefined
    } catch (error) {
      if (view !== this.#views) return undefined
      this.#isRefreshing = false
      this.#loading.delete(part.offset) // it is requested again when the list is rendered
      this.#showNote(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }

  /** Shows why the list is not complete, with a button that reads on, or why it could not be loaded. */
  #showNote(words: string | undefined, isUnread = false): void {
    this.#note.hidden = words === undefined
    if (words === undefined) return
    const readOn = makeButton('Read on', () => {
      this.#more = true
      void this.#refresh()
    })
    this.#note.replaceChildren(words, ...(isUnread ? [' ', readOn] : []))
  }

  #renderCount(): void {
    const { total, dropped = 0 } = this.#status
    const found = this.#search.value === '' ? total : this.#total
    setText(
      this.#count,
      `${found.toLocaleString('en')}${dropped > 0 ? `, ${dropped.toLocaleString('en')} dropped` : ''}`,
    )
    const arrived = this.#isNumbered && this.#through !== undefined ? this.#status.version - this.#through : 0
    this.#fresh.hidden = arrived <= 0 || this.#isFollowing
    if (!this.#fresh.hidden) setText(this.#fresh, `${arrived.toLocaleString('en')} new`)
  }

  #render(): void {
    this.#renderCount() // first: it reads the scroll position, which forces a layout after a change of the rows
    const items = this.#virtualizer.getVirtualItems()
    this.#space.style.height = `${this.#virtualizer.getTotalSize()}px`
    this.#grid.setAttribute('aria-rowcount', String(this.#total + 1))
    const seen = new Set(items.map(({ index }) => index))
    const spare = [...this.#elements].filter(([index]) => !seen.has(index))
    for (const { index, start } of items) {
      const element = this.#elements.get(index) ?? this.#takeElement(spare, index)
      element.style.transform = `translateY(${start}px)`
      this.#fill(element, index)
    }
    for (const [index, element] of spare) {
      element.remove()
      this.#elements.delete(index)
    }
    this.#empty.hidden = this.#total > 0
    const { searchFor } = this.#options
    const none = searchFor === undefined ? 'Nothing yet.' : `Search for ${searchFor}.`
    setText(this.#empty, this.#search.value === '' ? none : 'Nothing has these words.')
    this.#loadSeen()
  }

  /** An element for a row: one that is no longer seen, or a new one. Elements stay in place while their text changes. */
  #takeElement(spare: [number, HTMLElement][], index: number): HTMLElement {
    const [from, element = this.#makeElement()] = spare.shift() ?? []
    if (from === undefined) this.#space.append(element)
    else this.#elements.delete(from)
    this.#elements.set(index, element)
    return element
  }

  #makeElement(): HTMLElement {
    const cells = this.#options.columns.map(({ kind = '', phone = '' }) =>
      make('span', { role: 'gridcell', class: kind, 'data-phone': phone }),
    )
    return make('div', { role: 'row', class: 'row' }, ...cells)
  }

  #fill(element: HTMLElement, index: number): void {
    const row = this.#rows.get(index)
    element.dataset['index'] = String(index)
    element.id = `${this.#options.name}-${index}`
    element.setAttribute('aria-rowindex', String(index + 2))
    element.setAttribute('aria-selected', String(row !== undefined && row.id === this.#openId))
    element.toggleAttribute('data-active', index === this.#active)
    element.toggleAttribute('data-loading', row === undefined)
    if (index === this.#active) this.#grid.setAttribute('aria-activedescendant', element.id)
    for (const [at, column] of this.#options.columns.entries()) {
      const cell = element.children[at] as HTMLElement
      setText(cell, row === undefined ? '…' : column.text(row, this.#now))
      cell.title = row === undefined ? '' : (column.title?.(row) ?? '')
      cell.dataset['state'] = row === undefined ? '' : (column.state?.(row) ?? '')
    }
  }
}
