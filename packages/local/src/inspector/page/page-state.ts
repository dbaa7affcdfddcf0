import type {
  ActionName,
  ActionResult,
  Capabilities,
  InspectorAction,
  InspectorStatus,
  ListName,
} from '../data-source.ts'
import { api } from './api.ts'
import { announce, make } from './element.ts'

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

export function createOutcome(): Outcome {
  const element = make('p', { class: 'outcome' })
  const say = (words: string, state: string) => {
    element.textContent = words
    element.dataset['state'] = state
    announce(words)
  }
  return {
    element,
    async run(action) {
      say('…', '')
      try {
        const result = await api.act(action())
        say(result.words, result.failed === true ? 'error' : 'ok')
        return result
      } catch (error) {
        say(error instanceof Error ? error.message : String(error), 'error')
        return undefined
      }
    },
  }
}
