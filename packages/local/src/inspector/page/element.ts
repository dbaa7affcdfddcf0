type Attributes = Readonly<Record<string, string>>

/** Finds an element of index.html by its id. */
export function find<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`The page has no #${id}.`)
  return element as E // the element's type is known from index.html
}

/** Creates an element with text or children. Text is never parsed as HTML. */
export function make(tag: string, attributes: Attributes, ...children: readonly (Node | string)[]): HTMLElement {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** Replaces the rows of a table's body. */
export function showRows(id: string, rows: readonly (readonly Node[])[], empty: string): void {
  const none = make('tr', {}, make('td', { class: 'empty', colspan: '9' }, empty))
  find(id).replaceChildren(...(rows.length === 0 ? [none] : rows.map((cells) => make('tr', {}, ...cells))))
}

/** Creates a table cell with a class and a state for the style sheet. */
export function cell(text: string, kind = '', outcome = ''): HTMLElement {
  return make('td', { ...(kind && { class: kind }), ...(outcome && { 'data-outcome': outcome }) }, text)
}
