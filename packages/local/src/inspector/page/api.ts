import {
  type ActionResult,
  type Capabilities,
  type InspectorAction,
  type ListItems,
  type ListName,
  type ListPage,
  type ListQuery,
  type ListRows,
  type OpenQuery,
  routes,
} from '../data-source.ts'

/** The address of the page, without a slash at its end. */
const base = '/_inspector'

/** The HTTP interface of the source. Each function rejects with an `Error` that has the source's message. */
export const api = {
  capabilities: () => request<Capabilities>(routes.capabilities),
  list: <K extends ListName>(name: K, query: ListQuery, signal?: AbortSignal) =>
    request<ListPage<ListRows[K]>>(`${routes.list}/${name}?${toParameters(query)}`, { ...(signal && { signal }) }),
  open: <K extends ListName>(name: K, id: string, query: OpenQuery = {}) =>
    request<ListItems[K]>(`${routes.open}/${name}?${toParameters({ id, ...query })}`),
  act: (action: InspectorAction, signal: AbortSignal) =>
    request<ActionResult>(routes.act, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
      signal,
    }),
  updates: () => new EventSource(`${base}/${routes.updates}`),
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`${base}/${path}`, init)
  const body = await response.json()
  if (!response.ok) throw new Error(body.message ?? response.statusText)
  return body as T // the source has the interface's types
}

function toParameters(query: object): URLSearchParams {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '' && value !== false)
  return new URLSearchParams(entries.map(([name, value]) => [name, value === true ? '1' : String(value)]))
}
