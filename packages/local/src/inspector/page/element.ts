type Attributes = Readonly<Record<string, string>>

/** The element of an id, which index.html has. */
export function find<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`The page has no #${id}.`)
  return element as E // index.html says which it is
}

/** A new element with text or children; text is never read as HTML. */
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

/** A cell, with a class and what the style goes by. */
export function cell(text: string, kind = '', outcome = ''): HTMLElement {
  return make('td', { ...(kind && { class: kind }), ...(outcome && { 'data-outcome': outcome }) }, text)
}
