import type { Backend, Gateway, Invoker, Store } from '@trunkline/server/ports'
import { createRows } from '../../../../server/src/memory/store.ts'
import type { InvokedFunction } from '../../../../server/src/ports/invoker.ts'
import { copyJson } from '../../kernel/copy-json.ts'
import type { OperationName, TableRequests } from '../table/table-requests.ts'
import type { Sandbox, SandboxEnvironment } from './sandbox.ts'

/** The ports of a sandbox. */
export type SandboxBackend = Backend & Required<Pick<Backend, 'clock'>>

/** The services outside of the functions. */
export interface Services {
  readonly requests: TableRequests
  readonly post: Gateway['post']
  readonly disconnect: (connectionId: string) => Promise<'closed' | 'gone' | 'failed'>
  readonly invokeAsync: (name: InvokedFunction, payload: unknown) => void
  readonly invokeDelayed: (payload: unknown, delayMs: number) => void
}

/** Creates the ports through which a sandbox reaches the services. A script has no gateway and no invoker, and an
 * operator no invoker. */
export function createSandboxPorts(
  environment: SandboxEnvironment,
  sandbox: Sandbox,
  services: Services,
): SandboxBackend {
  const { name } = sandbox
  const gateway = name === 'script' ? undefined : gatewayOf(sandbox, services)
  const invoker = name === 'script' || name === 'operator' ? undefined : invokerOf(environment, sandbox, services)
  const outgoing = { ...(gateway && { gateway }), ...(invoker && { invoker }) }
  return { clock: clockOf(environment, sandbox), store: storeOf(sandbox, services), ...outgoing }
}

function clockOf({ kernel, random }: SandboxEnvironment, sandbox: Sandbox): SandboxBackend['clock'] {
  return {
    now: () => kernel.now + sandbox.skewMs,
    random: () => random.next(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const abort = () => {
          cancel()
          resolve()
        }
        const cancel = kernel.after(ms, 'sleep', () => {
          signal?.removeEventListener('abort', abort)
          sandbox.resume(resolve)
        })
        signal?.addEventListener('abort', abort, { once: true })
      }),
    after(ms, fn) {
      let isCancelled = false
      const cancel = kernel.after(ms, 'sleep', () =>
        sandbox.resume(() => {
          if (!isCancelled) fn()
        }),
      )
      return () => {
        isCancelled = true
        cancel()
      }
    },
  }
}

function gatewayOf(sandbox: Sandbox, services: Services): Gateway {
  const { connections } = sandbox
  return {
    kind: 'simulated',
    post: (id, text, { signal } = {}) =>
      sandbox.call(`post ${id}`, (settle) => {
        const send = () => {
          if (signal?.aborted) settle.resolve({ status: 'failed', unknown: true, reason: 'aborted' })
          else void services.post(id, text).then(settle.resolve)
        }
        const notSent = () => settle.resolve({ status: 'failed', unknown: false, retry: true, reason: 'ECONNRESET' })
        connections.sendCallback(send, notSent)
      }),
    disconnect: (id) =>
      sandbox.call(`cut ${id}`, (settle) => {
        const send = () => void services.disconnect(id).then(settle.resolve)
        connections.sendCallback(send, send) // the adapter repeats a DELETE
      }),
  }
}

function invokerOf({ plan }: SandboxEnvironment, sandbox: Sandbox, services: Services): Invoker {
  const { connections } = sandbox
  return {
    kind: 'simulated',
    invoke: (name, payload) =>
      sandbox.call(`invoke ${name}`, (settle) => {
        if (plan.strikes('F28')) return settle.reject(new Error('The invocation was not accepted.'))
        connections.send('lambda', () => {
          services.invokeAsync(name, copyJson(payload))
          settle.resolve(undefined)
        })
      }),
    invokeDelayed: (payload, { delayMs }) =>
      sandbox.call('invoke later', (settle) => {
        if (plan.strikes('F28')) return settle.reject(new Error('The message was not accepted.'))
        connections.send('queue', () => {
          services.invokeDelayed(copyJson(payload), Math.ceil(delayMs / 1_000) * 1_000)
          settle.resolve(undefined)
        })
      }),
  }
}

type Call = (operation: OperationName, args: readonly unknown[]) => Promise<unknown>

/** The methods are on a prototype, because a store is created for each sandbox. */
class SandboxStore {
  readonly kind = 'simulated'
  readonly call: Call
  constructor(call: Call) {
    this.call = call
  }
}
for (const name of Object.keys(createRows().operations) as OperationName[])
  Object.defineProperty(SandboxStore.prototype, name, {
    value(this: SandboxStore, ...args: readonly unknown[]) {
      return this.call(name, args)
    },
  })

function storeOf(sandbox: Sandbox, { requests }: Services): Store {
  const call: Call = (operation, args) =>
    sandbox.call(operation, (settle) => sandbox.connections.send('table', () => requests.send(operation, args, settle)))
  return new SandboxStore(call) as unknown as Store // its prototype has every operation of the reference store
}
