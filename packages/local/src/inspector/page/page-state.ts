import type {
  ActionName,
  ActionResult,
  Capabilities,
  InspectorAction,
  InspectorStatus,
  ListName,
} from '../data-source.ts'
import { api } from './api.ts'
import { announce, FieldError, make, makeButton } from './element.ts'
import { formatAge } from './format.ts'

/** What the parts of the page share. */
export interface PageState {
  capabilities: Capabilities
  status: InspectorStatus | undefined
  /** Shows an opened row in the pane. */
  open(list: ListName, id: string): void
  /** Shows the form of a fault for a connection. */
  addFault(connection: string): void
  /** Shows a list with a search. */
  show(list: ListName, search: string): void
}

export function can({ capabilities }: PageState, action: ActionName): boolean {
  return capabilities.actions.includes(action)
}

export function has({ capabilities }: PageState, list: ListName): boolean {
  return capabilities.lists.some(({ name }) => name === list)
}

/** A place that shows the result of an action. Its words are announced. */
export interface Outcome {
  readonly element: HTMLElement
  /** Does the action, and shows its result or why it failed. */
  run(action: () => InspectorAction): Promise<ActionResult | undefined>
}

const slowMs = 1_000 // a faster action shows no progress

export function createOutcome(): Outcome {
  const words = make('span', {})
  const cancel = makeButton('Cancel', () => running?.abort(), { class: 'small', hidden: '' })
  const element = make('p', { class: 'outcome' }, words, ' ', cancel)
  let running: AbortController | undefined
  const say = (text: string, state: string) => {
    words.textContent = text
    element.dataset['state'] = state
    announce(text)
  }
  return {
    element,
    async run(action) {
      running?.abort() // the one before is cancelled
      const own = new AbortController()
      running = own
      say('…', '')
      const began = Date.now()
      const timer = setInterval(() => {
        cancel.hidden = false
        words.textContent = `Working for ${formatAge(Date.now() - began)}.`
      }, slowMs)
      try {
        const result = await api.act(action(), own.signal)
        if (running === own) say(result.words, result.failed === true ? 'error' : 'ok')
        return result
      } catch (error) {
        const text = own.signal.aborted ? 'Cancelled. It may have been done.' : undefined
        if (error instanceof FieldError) error.control.focus()
        if (running === own) say(text ?? (error instanceof Error ? error.message : String(error)), 'error')
        return undefined
      } finally {
        clearInterval(timer)
        if (running === own) cancel.hidden = true
      }
    },
  }
}
