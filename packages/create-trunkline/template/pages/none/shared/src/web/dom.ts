type Child = Node | string

/** Creates an element. A name with a hyphen, `role` and `for` are attributes; any other is a property. */
export function create<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Readonly<Record<string, unknown>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties))
    if (name.includes('-') || name === 'role' || name === 'for') element.setAttribute(name, String(value))
    else Object.assign(element, { [name]: value })
  element.append(...children)
  return element
}

/** A row of a list, which shows each new value of its item. */
export interface Row<T> {
  readonly element: HTMLElement
  show(item: T): void
}

/**
 * Shows items in a list. The row of a key stays the same element while the item changes, so that it keeps the focus.
 */
export function createList<T>(list: HTMLElement, keyOf: (item: T) => string, createRow: (item: T) => Row<T>) {
  const rows = new Map<string, Row<T>>()
  return (items: readonly T[]): void => {
    const keys = items.map(keyOf)
    for (const [key, { element }] of rows)
      if (!keys.includes(key)) {
        element.remove()
        rows.delete(key)
      }
    items.forEach((item, index) => {
      const key = keyOf(item)
      const row = rows.get(key) ?? createRow(item)
      rows.set(key, row)
      row.show(item)
      if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null)
    })
  }
}
