import { describe, expect, it } from 'vitest'
import { createRandom } from '../../packages/simulator/src/kernel/random.ts'
import { tokens } from './application.ts'
import { readMessage } from './check.ts'
import { foreignTokens, generate } from './generate.ts'
import { fuzz, type RunOptions } from './run.ts'
import { states, type Wrap } from './world.ts'

const slowMachineMs = 2_000 // the tests of other files run at the same time
const run = (options: Partial<RunOptions>) => fuzz({ seed: 7, frames: 600, mostCpuMs: slowMachineMs, ...options })

interface Event {
  readonly body?: string
  readonly requestContext: { readonly connectionId: string }
}

/** Handlers whose `websocket` does something else for a message that a client sends. */
const broken =
  (replace: (event: Event, answer: () => Promise<unknown>) => unknown): Wrap =>
  (handlers) => ({
    ...handlers,
    websocket: async (event, context) => {
      const answer = () => handlers.websocket(event, context)
      return (event as Event).body === undefined ? answer() : replace(event as Event, answer)
    },
  })

const flawsBy = async (wrap: Wrap, options: Partial<RunOptions> = {}) => {
  const { failures } = await run({ wrap, ...options })
  return failures.map(({ flaw }) => flaw)
}

describe('the handlers', () => {
  it('answer every frame in every state, and the neighbour', async () => {
    const { failures, byState, neighbourCalls } = await run({ frames: 3_000 })
    expect(failures).toEqual([])
    expect([...byState.keys()].sort()).toEqual([...states].sort())
    expect(neighbourCalls).toBe(375)
  })
})

describe('the generator', () => {
  const known = { rooms: ['x'], tokens: foreignTokens }
  const messages = Array.from({ length: 2_000 }, (_, seed) => generate(createRandom(seed), known)).flat()

  it('gives the same messages for the same seed, and others for another', () => {
    const made = (seed: number) => generate(createRandom(seed), known)
    expect(made(5)).toEqual(made(5))
    expect(made(5)).not.toEqual(made(6))
  })

  it('makes valid frames, malformed ones and texts that are no JSON', () => {
    const read = messages.map(readMessage)
    const share = (is: (message: ReturnType<typeof readMessage>) => boolean | undefined) =>
      read.filter(is).length / read.length
    expect(share(({ elements }) => elements === undefined)).toBeGreaterThan(0.2)
    expect(share(({ elements }) => elements?.some(({ frame }) => frame !== undefined))).toBeGreaterThan(0.2)
    expect(share(({ elements }) => elements?.some(({ frame }) => frame === undefined))).toBeGreaterThan(0.2)
  })

  it('makes frames of every method, prototype keys, lone surrogates and messages up to 128 KB', () => {
    const methods = new Set(messages.flatMap((each) => readMessage(each).elements?.map(({ frame }) => frame?.method)))
    for (const method of ['query', 'mutation', 'subscription', 'subscription.stop', 'hello', 'sync', 'auth', 'cancel'])
      expect(methods).toContain(method)
    for (const method of ['ping', 'chunk', 'connectionParams']) expect(methods).toContain(method)
    const all = messages.join('\n')
    for (const part of ['__proto__', 'constructor', '\\ud800', '1e999']) expect(all).toContain(part)
    const sizes = messages.map((message) => Buffer.byteLength(message ?? ''))
    expect(Math.max(...sizes)).toBeGreaterThan(60_000)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(131_072)
  })
})

describe('the fuzzer finds a handler that', () => {
  it('throws', async () => {
    const wrap = broken(() => Promise.reject(new Error('boom')))
    expect(await flawsBy(wrap)).toContain('the handler threw Error: boom')
  })

  it('answers nothing', async () => {
    const flaws = await flawsBy(broken(() => ({ statusCode: 200, body: '{}' })))
    expect(flaws).toContainEqual(expect.stringMatching(/^id .* has 0 answers of 1$/))
    expect(flaws).toContain('what has no id has no answer')
  })

  it('answers what the SDK cannot decode', async () => {
    const flaws = await flawsBy(broken(() => ({ statusCode: 200, body: '{"id":1,"result":7}' })))
    expect(flaws).toContainEqual(expect.stringContaining('the SDK reads 0 of 1 frames'))
  })

  it.each([
    ['a line of a stack', 'Error: x\n    at receive (index.mjs:1:2)'],
    ['an ARN', 'User: arn:aws:sts::123456789012:assumed-role is not authorized'],
    ['a path of a file', 'file:///var/task/index.mjs'],
    ['the token tkn-ann-…', `bad token ${tokens.named}`],
  ])('sends %s', async (leak, message) => {
    const body = JSON.stringify({ id: null, error: { message, code: -32_603, data: {} } })
    expect(await flawsBy(broken(() => ({ statusCode: 200, body })))).toContain(`a message to a client holds ${leak}`)
  })

  it('takes more CPU than its bound', async () => {
    const spin = (ms: number) => {
      for (const from = process.cpuUsage(); process.cpuUsage(from).user < ms * 1_000; );
    }
    const wrap = broken(({ body }, answer) => {
      if (body?.includes('whoami')) spin(150)
      return answer()
    })
    const flaws = await flawsBy(wrap, { mostCpuMs: 100, mostFailures: 1 })
    expect(flaws).toEqual([expect.stringMatching(/ms of CPU$/)])
  })

  it('changes a prototype', async () => {
    const wrap = broken(({ body }, answer) => {
      if (body?.includes('__proto__')) Object.assign(Object.prototype, { polluted: true })
      return answer()
    })
    try {
      expect(await flawsBy(wrap, { mostFailures: 1 })).toContain('Object.prototype has a new member')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted')
    }
  })

  it('leaves a rejection unhandled', async () => {
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection') // the runner's own, which fail the run
    try {
      const wrap = broken((_, answer) => {
        void Promise.reject(new Error('forgotten'))
        return answer()
      })
      expect(await flawsBy(wrap)).toContain('an unhandled rejection: Error: forgotten')
    } finally {
      for (const listener of listeners) process.on('unhandledRejection', listener)
    }
  })

  it('answers one connection by another', async () => {
    let first: string | undefined
    const wrap: Wrap = (handlers) => ({
      ...handlers,
      websocket: async (event, context) => {
        first ??= (event as Event).requestContext.connectionId // the neighbour's, who comes first
        const { requestContext } = event as Event
        const isFrame = (event as Event).body?.includes('live') === true
        return handlers.websocket(
          isFrame ? { ...(event as Event), requestContext: { ...requestContext, connectionId: first } } : event,
          context,
        )
      },
    })
    expect(await flawsBy(wrap)).toContain('the neighbour was sent a frame')
  })

  it('keeps what it was sent', async () => {
    const kept: unknown[] = []
    const wrap = broken((_, answer) => {
      kept.push(new Array(4_096).fill(0))
      return answer()
    })
    expect(await flawsBy(wrap, { frames: 4_800 })).toContainEqual(
      expect.stringMatching(/KB of the heap outlive the rows of the table$/),
    )
    expect(kept.length).toBeGreaterThan(4_000)
  })

  it('fails once, and the failure can be repeated alone', async () => {
    const wrap = broken(({ body }, answer) =>
      body?.includes('trackedTicks') ? Promise.reject(new Error('boom')) : answer(),
    )
    const [failure] = (await run({ wrap, mostFailures: 1 })).failures
    expect(failure?.message).toContain('trackedTicks')
    const only = failure?.index ?? -1
    expect((await run({ wrap, only })).failures).toContainEqual(failure)
  })
})
