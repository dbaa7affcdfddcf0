import type { ActiveFault, FaultChoices, InspectorAction } from '../data-source.ts'
import { make, makeButton, makeField, makeSelect } from './element.ts'
import { can, createOutcome, type PageState } from './page-state.ts'

/** A fault of one click. */
interface Preset {
  readonly label: string
  readonly note: string
  readonly action: InspectorAction
}

const fault = (point: string, effect: string, rest: { delayMs?: number; times?: number; path?: string } = {}) =>
  ({ action: 'fault', point, effect, ...rest }) as const

const presets: readonly Preset[] = [
  { label: 'Cut all sockets', note: 'As a lost network does.', action: { action: 'cut' } },
  { label: 'Delay answers 2 s', note: 'Until it is removed.', action: fault('answer', 'delay', { delayMs: 2_000 }) },
  { label: 'Drop the next push', note: 'The client asks for it.', action: fault('push', 'drop', { times: 1 }) },
  { label: 'Duplicate the next push', note: 'The client drops it.', action: fault('push', 'duplicate', { times: 1 }) },
  {
    label: 'Throttle the next 10 frames',
    note: 'As above the quota.',
    action: fault('frame', 'throttle', { times: 10 }),
  },
  { label: 'Fail the next run', note: 'Its code does not run.', action: fault('function', 'fail', { times: 1 }) },
  {
    label: 'Kill the next run',
    note: 'It runs, and its answer is lost.',
    action: fault('function', 'kill', { times: 1, path: 'websocket' }),
  },
  {
    label: 'Refuse the next connect',
    note: 'As API Gateway’s 429.',
    action: fault('connect', 'throttle', { times: 1 }),
  },
  { label: 'Expire all tokens', note: 'Clients renew theirs.', action: { action: 'expireToken' } },
  { label: 'Two hours', note: 'API Gateway’s limit of a connection.', action: { action: 'twoHours' } },
  {
    label: 'Clock 2 h ahead',
    note: 'New tokens of other clocks may then be expired.',
    action: { action: 'advance', ms: 7_200_000 },
  },
]

/** The panel of faults: buttons, a form for every other fault, and the faults that apply. */
export class FaultPanel {
  readonly element: HTMLElement
  readonly #state: PageState
  readonly #outcome = createOutcome()
  readonly #active = make('ul', { class: 'active' })
  readonly #connection = make('input', { type: 'text', autocomplete: 'off' }) as HTMLInputElement

  constructor(state: PageState, choices: FaultChoices) {
    this.#state = state
    const offered = presets.filter(({ action }) => can(state, action.action))
    const buttons = offered.map(({ label, note, action }) =>
      make(
        'div',
        { class: 'preset' },
        makeButton(label, () => void this.#outcome.run(() => action)),
        make('small', { class: 'soft' }, note),
      ),
    )
    this.element = make(
      'div',
      { class: 'panel' },
      make('div', { class: 'presets' }, ...buttons),
      this.#outcome.element,
      make('h3', {}, 'Faults that apply'),
      this.#active,
      ...(can(state, 'fault') ? [this.#createForm(choices)] : []),
      ...(can(state, 'killRuns') ? [this.#createKillForm(choices)] : []),
    )
    this.update([])
  }

  /** Fills in a connection. */
  choose(connection: string): void {
    this.#connection.value = connection
    this.#connection.focus()
  }

  update(faults: readonly ActiveFault[]): void {
    const shown = faults.map(({ id, words, hits }) => `${id} ${words} ${hits}`).join('\n')
    if (this.#active.dataset['shown'] === shown) return // a button with the focus stays
    this.#active.dataset['shown'] = shown
    const rows = faults.map(({ id, words, hits }) => {
      const remove = makeButton('Remove', () => void this.#outcome.run(() => ({ action: 'clearFault', id })))
      remove.setAttribute('aria-label', `Remove ${words}`)
      return make('li', {}, make('span', {}, words), make('span', { class: 'soft' }, `hit ${hits} ×`), remove)
    })
    this.#active.replaceChildren(...(rows.length === 0 ? [make('li', { class: 'soft' }, 'None.')] : rows))
    if (rows.length < 2 || !can(this.#state, 'clearFaults')) return
    this.#active.append(
      make(
        'li',
        {},
        makeButton('Remove all', () => void this.#outcome.run(() => ({ action: 'clearFaults' }))),
      ),
    )
  }

  #createForm({ points }: FaultChoices): HTMLElement {
    const point = makeSelect(Object.keys(points).map((name) => [name, name]))
    const effect = makeSelect([])
    const delay = makeNumber('2000')
    const times = makeNumber('1')
    const path = make('input', { type: 'text', autocomplete: 'off' }) as HTMLInputElement
    const delayField = makeField('Delay in ms', delay)
    const showEffects = () => {
      effect.replaceChildren(...makeSelect((points[point.value] ?? []).map((name) => [name, name])).children)
      delayField.hidden = effect.value !== 'delay'
    }
    point.addEventListener('change', showEffects)
    effect.addEventListener('change', () => {
      delayField.hidden = effect.value !== 'delay'
    })
    showEffects()
    const read = (): InspectorAction => ({
      ...{ action: 'fault', point: point.value, effect: effect.value },
      ...(effect.value === 'delay' && { delayMs: Number(delay.value) }),
      ...(times.value !== '' && { times: Number(times.value) }),
      ...(path.value.trim() !== '' && { path: path.value.trim() }),
      ...(this.#connection.value.trim() !== '' && { connection: this.#connection.value.trim() }),
    })
    return makeForm(
      'Another fault',
      [
        ...[
          makeField('Point', point),
          makeField('Effect', effect),
          delayField,
          makeField('Times', times, 'Empty: until it is removed'),
        ],
        makeField('Procedure, function or operation', path, 'Empty: any'),
        makeField('Connection', this.#connection, 'Empty: any. Not of the points stream, store, function and delayed'),
      ],
      'Add the fault',
      () => void this.#outcome.run(read),
    )
  }

  #createKillForm({ functions }: FaultChoices): HTMLElement {
    const name = makeSelect(functions.map((one) => [one, one]))
    const kill = () => void this.#outcome.run(() => ({ action: 'killRuns', function: name.value }))
    return makeForm('Kill what runs now', [makeField('Function', name)], 'Kill its running invocations', kill)
  }
}

function makeNumber(value: string): HTMLInputElement {
  const control = make('input', { type: 'number', min: '0', step: '1' }) as HTMLInputElement
  control.value = value
  return control
}

/** A form with a title, whose button calls `onSubmit`. */
export function makeForm(
  title: string,
  fields: readonly HTMLElement[],
  button: string,
  onSubmit: () => void,
): HTMLElement {
  const submit = make('button', { type: 'submit', class: 'primary' }, button)
  const form = make('form', { class: 'form', 'aria-label': title }, make('h3', {}, title), ...fields, submit)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    onSubmit()
  })
  return form
}
