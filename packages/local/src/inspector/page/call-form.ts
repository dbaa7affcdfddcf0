import type { CallerChoice, InspectorAction, ProcedureItem } from '../data-source.ts'
import { api } from './api.ts'
import { FieldError, make, makeButton, makeField, makeSelect } from './element.ts'
import { makeForm } from './fault-panel.ts'
import { formatJson, shorten } from './format.ts'
import { createOutcome, type PageState } from './page-state.ts'
import { createSchemaForm } from './schema-form.ts'

/** The tokens that were entered since the page was opened, newest first. They are kept in this page only. */
const tokens: string[] = []
const callersShown = 50

/** The form that calls a procedure, with its answer. */
export function createCallForm(state: PageState, procedure: ProcedureItem): HTMLElement {
  const { id: path, type, input } = procedure
  const form = input === undefined ? undefined : createSchemaForm(input, 'Input')
  const caller = createCallerField()
  const outcome = createOutcome()
  const answer = make('pre', { 'aria-label': 'Answer', tabindex: '0', hidden: '' })
  const links = make('p', { class: 'links' })
  const read = (): InspectorAction => {
    const value = form?.read()
    return { action: 'call', path, caller: caller.read(), ...(value !== undefined && { input: value }) }
  }
  async function run(): Promise<void> {
    const result = await outcome.run(read)
    answer.hidden = result?.data === undefined
    answer.textContent = formatJson(result?.data ?? '')
    const { connectionId } = result ?? {}
    links.replaceChildren()
    if (connectionId === undefined) return
    links.append(
      makeButton('Frames of the call', () => state.show('frames', connectionId)),
      makeButton('Runs of the call', () => state.show('runs', connectionId)),
    )
    if (type !== 'subscription' || result?.failed === true) return
    links.append(makeButton('Stop', () => void outcome.run(() => ({ action: 'stop', connection: connectionId }))))
  }
  const verb = type === 'subscription' ? 'Subscribe' : type === 'query' ? 'Run the query' : 'Run the mutation'
  const fields = [...(form === undefined ? [] : [form.element]), caller.element]
  return make(
    'div',
    {},
    makeForm(`Call ${path}`, fields, verb, () => void run()),
    outcome.element,
    links,
    answer,
  )
}

/** Who calls: nobody known, a token, or an open connection. */
function createCallerField(): { readonly element: HTMLElement; read(): CallerChoice } {
  const known = tokens.map((token, index) => [`token ${index}`, `the token ${shorten(token)}`] as const)
  const select = makeSelect([['anonymous', 'nobody (no token)'], ...known, ['new', 'a token …']])
  const token = make('input', { type: 'password', autocomplete: 'off' }) as HTMLInputElement
  const tokenField = makeField('Token', token, 'It stays in this page until it is closed')
  tokenField.hidden = true
  select.addEventListener('change', () => {
    tokenField.hidden = select.value !== 'new'
  })
  void api
    .list('connections', { search: '', offset: 0, limit: callersShown })
    .then(({ rows }) => {
      const sockets = rows.filter(({ via, principal }) => via === 'socket' && principal !== null)
      const options = sockets.map(
        ({ id, principal }) => [`connection ${id}`, `${principal}, as connection ${shorten(id)}`] as const,
      )
      select.append(...options.map(([value, text]) => make('option', { value }, text)))
    })
    .catch(() => {}) // without connections, the other callers remain
  return {
    element: make('div', {}, makeField('Call as', select), tokenField),
    read() {
      const [kind, rest = ''] = select.value.split(/ (.*)/s)
      if (kind === 'connection') return { kind, connection: rest }
      if (kind === 'token') return { kind, token: tokens[Number(rest)] ?? '' }
      if (kind !== 'new') return { kind: 'anonymous' }
      if (token.value === '')
        throw new FieldError(token, 'Token: expected a token, got none. Enter one, or call as nobody.')
      if (!tokens.includes(token.value)) tokens.unshift(token.value)
      return { kind: 'token', token: token.value }
    },
  }
}
