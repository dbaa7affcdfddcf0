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

/** Creates a button that calls `onClick`. */
export function makeButton(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const button = make('button', { type: 'button', ...attributes }, text) as HTMLButtonElement
  button.addEventListener('click', onClick)
  return button
}

/** A value that a control has and that is not valid. The control gets the focus when the form is sent. */
export class FieldError extends Error {
  override readonly name = 'FieldError'
  readonly control: HTMLElement
  constructor(control: HTMLElement, message: string) {
    super(message)
    this.control = control
  }
}

let labels = 0

/** Creates a labelled control. */
export function makeField(label: string, control: HTMLElement, note = ''): HTMLElement {
  labels += 1
  control.id ||= `field-${labels}`
  const noted = note === '' ? [] : [make('small', { class: 'soft', id: `${control.id}-note` }, note)]
  if (note !== '') control.setAttribute('aria-describedby', `${control.id}-note`)
  return make('div', { class: 'field' }, make('label', { for: control.id }, label), control, ...noted)
}

/** Creates a selection among texts. */
export function makeSelect(options: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  const select = make('select', {}) as HTMLSelectElement
  select.append(...options.map(([value, text]) => make('option', { value }, text)))
  return select
}

/** Sets the text of an element, unless it has it already. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

const announcer = () => find('announcer')

/** Has a screen reader say a result of what the user did. */
export function announce(words: string): void {
  announcer().textContent = words
}
