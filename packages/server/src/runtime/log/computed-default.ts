import type { Session } from 'node:inspector'

const answers = new WeakMap<object, boolean>()

/**
 * Whether a default in a schema's definition is a function (`default(() => Date.now())`) and not a value. Zod hides
 * both behind the same getter, so the JavaScript engine is asked which one the getter closes over. Without an
 * inspector, a default that returns different values on two reads counts as a function.
 */
export function isComputedDefault(definition: object): boolean {
  const known = answers.get(definition)
  if (known !== undefined) return known
  const getter = Object.getOwnPropertyDescriptor(definition, 'defaultValue')?.get
  const isComputed = getter !== undefined && (closesOverFunction(getter) ?? differs(definition))
  answers.set(definition, isComputed)
  return isComputed
}

type RemoteObject = { readonly type: string; readonly objectId?: string }

const place = '__trunkline_default'

/** Undefined when the process has no inspector. */
function closesOverFunction(getter: () => unknown): boolean | undefined {
  try {
    const session = openSession()
    if (session === undefined) return undefined
    try {
      Reflect.set(globalThis, place, getter)
      const evaluated = send(session, 'Runtime.evaluate', { expression: `globalThis.${place}` }) as {
        result: RemoteObject
      }
      const [scopes] = internalsOf(session, evaluated.result).filter(({ name }) => name === '[[Scopes]]')
      const [closure] = membersOf(session, scopes?.value)
      const variables = membersOf(session, closure?.value)
      return variables.length === 0 ? undefined : variables.some(({ value }) => value?.type === 'function')
    } finally {
      Reflect.deleteProperty(globalThis, place)
      session.disconnect()
    }
  } catch {
    return undefined // not allowed, as under `node --permission`
  }
}

function openSession(): Session | undefined {
  const { getBuiltinModule } = process as { readonly getBuiltinModule?: (name: string) => unknown }
  const inspector = getBuiltinModule?.('node:inspector') as typeof import('node:inspector') | undefined
  if (inspector === undefined) return undefined
  const session = new inspector.Session()
  session.connect()
  return session
}

/** A session of the same thread calls back before `post` returns. */
function send(session: Session, method: string, params: object): unknown {
  let answer: unknown
  session.post(method, params, (error, result) => {
    if (error === null) answer = result
  })
  return answer
}

interface Member {
  readonly name: string
  readonly value?: RemoteObject
}

function membersOf(session: Session, object: RemoteObject | undefined): readonly Member[] {
  if (object?.objectId === undefined) return []
  const params = { objectId: object.objectId, ownProperties: true }
  return (send(session, 'Runtime.getProperties', params) as { readonly result: readonly Member[] }).result
}

function internalsOf(session: Session, { objectId }: RemoteObject): readonly Member[] {
  const found = send(session, 'Runtime.getProperties', { objectId, ownProperties: true })
  return (found as { readonly internalProperties?: readonly Member[] }).internalProperties ?? []
}

/** Finds ids, counters and fine clocks. A clock in whole milliseconds may return the same value twice. */
function differs(definition: object): boolean {
  try {
    const read = () => JSON.stringify(Reflect.get(definition, 'defaultValue'))
    const first = read()
    return read() !== first
  } catch {
    return true
  }
}
