import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLocalClock, type LocalClock } from '../clock.ts'
import { createFunctions, type LocalFunctions, UnknownFunctionError } from './functions.ts'
import type { FunctionOptions } from './invocations/lambda-function.ts'
import type { LambdaContext } from './runtime/lambda-context.ts'

let clock: LocalClock
let functions: LocalFunctions
beforeEach(async () => {
  clock = createLocalClock()
  functions = await createFunctions({ clock, seed: 1 })
})
afterEach(async () => {
  await functions.close()
  clock.close()
})

type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>
function add(handler: Handler, more: Partial<FunctionOptions> = {}): void {
  functions.register({ name: 'f', timeoutMs: 3_000, run: { kind: 'in-process', handler }, ...more })
}
const never = () => new Promise(() => {})
const advance = (ms: number) => clock.advance(ms, () => functions.idle())

describe('a synchronous invocation', () => {
  test('passes event and result through JSON', async () => {
    const event = { at: new Date(0), no: undefined, list: [undefined] }
    add(async (seen) => ({ seen, same: seen === event, when: new Date(1) }))
    expect(await functions.invoke('f', event)).toEqual({
      status: 'ok',
      payload: {
        seen: { at: '1970-01-01T00:00:00.000Z', list: [null] },
        same: false,
        when: '1970-01-01T00:00:00.001Z',
      },
    })
  })

  test('passes an empty object for a missing event, and null for a missing result', async () => {
    add(async (event) => (Object.keys(event as object).length === 0 ? undefined : 'not empty'))
    expect(await functions.invoke('f', undefined)).toEqual({ status: 'ok', payload: null })
  })

  test('has a context whose remaining time goes by the clock', async () => {
    let context: LambdaContext | undefined
    add(async (_event, received) => {
      context = received
      return received.getRemainingTimeInMillis()
    })
    const result = await functions.invoke('f', {})
    expect(result.status === 'ok' && Number(result.payload)).toBeGreaterThan(2_900)
    expect(context).toMatchObject({
      functionName: 'f',
      functionVersion: '$LATEST',
      memoryLimitInMB: '1024',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
    })
    expect(context?.awsRequestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    await clock.advance(2_000)
    expect(context?.getRemainingTimeInMillis()).toBeLessThan(1_001)
    await clock.advance(2_000)
    expect(context?.getRemainingTimeInMillis()).toBe(0)
  })

  test('runs concurrently with others', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    let inside = 0
    add(async () => {
      inside += 1
      if (inside === 20) release()
      await gate
    })
    const results = await Promise.all(Array.from({ length: 20 }, () => functions.invoke('f', {})))
    expect(results.every((result) => result.status === 'ok')).toBe(true)
  })

  test('is killed at its deadline, and its later work has no effect', async () => {
    const kept: string[] = []
    let resume = () => {}
    functions.register({
      name: 'f',
      timeoutMs: 3_000,
      run: {
        kind: 'in-process',
        handler: never,
        async around(invocation, call) {
          const port = invocation.guard({ put: async (text: string) => kept.push(text) })
          await port.put('before')
          await new Promise<void>((resolve) => {
            resume = resolve
          })
          await port.put('after')
          return call()
        },
      },
    })
    const result = functions.invoke('f', {})
    await clock.advance(3_000)
    expect(await result).toEqual({
      status: 'timeout',
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Task timed out after 3\.00 seconds$/),
    })
    resume()
    await functions.idle()
    expect(kept).toEqual(['before'])
  })

  test('is not retried', async () => {
    let runs = 0
    add(async () => {
      runs += 1
      throw new RangeError('no')
    })
    expect(await functions.invoke('f', {})).toMatchObject({
      status: 'error',
      errorType: 'RangeError',
      errorMessage: 'no',
    })
    await advance(600_000)
    expect(runs).toBe(1)
  })

  test('of an unknown function rejects', async () => {
    await expect(functions.invoke('g', {})).rejects.toThrow(UnknownFunctionError)
    expect(() => functions.invokeAsync('g', {})).toThrow(UnknownFunctionError)
  })

  test('beyond the reserved concurrency is throttled', async () => {
    add(never, { concurrency: 1 })
    const first = functions.invoke('f', {})
    expect(await functions.invoke('f', {})).toMatchObject({ status: 'throttled' })
    functions.kill('f')
    expect(await first).toMatchObject({ status: 'timeout' })
  })

  test('a kill ends only the running invocations of that function', async () => {
    add(never)
    functions.register({ name: 'other', timeoutMs: 3_000, run: { kind: 'in-process', handler: never } })
    const killed = functions.invoke('f', {})
    const other = functions.invoke('other', {})
    functions.kill('f')
    expect(await killed).toMatchObject({ status: 'timeout' })
    functions.kill('other')
    expect(await other).toMatchObject({ status: 'timeout' })
  })

  test('request ids are reproducible with a seed', async () => {
    const idOf = async (owner: LocalFunctions) => {
      const handler: Handler = async (_event, context) => context.awsRequestId
      owner.register({ name: 'f', timeoutMs: 1_000, run: { kind: 'in-process', handler } })
      return owner.invoke('f', {})
    }
    const again = await createFunctions({ clock, seed: 1 })
    expect(await idOf(again)).toEqual(await idOf(functions))
    await again.close()
  })
})

describe('an asynchronous event', () => {
  test('is retried after one and two more minutes, then goes to the failures', async () => {
    const runs: { readonly at: number; readonly id: string; readonly event: unknown }[] = []
    const from = clock.now()
    add(async (event, { awsRequestId: id }) => {
      runs.push({ at: Math.round((clock.now() - from) / 60_000), id, event })
      throw new Error('down')
    })
    functions.invokeAsync('f', { n: 1 })
    await functions.idle()
    expect(runs).toHaveLength(1)
    await advance(59_000)
    expect(runs).toHaveLength(1)
    await advance(600_000)
    expect(runs.map(({ at }) => at)).toEqual([0, 1, 3])
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1)
    expect(functions.failures()).toEqual([
      {
        version: '1.0',
        timestamp: expect.any(String),
        requestContext: {
          requestId: runs[0]?.id,
          functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST',
          condition: 'RetriesExhausted',
          approximateInvokeCount: 3,
        },
        requestPayload: { n: 1 },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        responsePayload: { errorType: 'Error', errorMessage: 'down' },
      },
    ])
  })

  test('receives a separate copy of its event at each attempt', async () => {
    const seen: unknown[] = []
    add(async (event) => {
      seen.push(structuredClone(event))
      Object.assign(event as object, { spoiled: true })
      throw new Error('again')
    })
    functions.invokeAsync('f', { n: 1 })
    await advance(600_000)
    expect(seen).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }])
  })

  test('that succeeds at a retry is not among the failures', async () => {
    let runs = 0
    add(async () => {
      runs += 1
      if (runs < 3) throw new Error('not yet')
    })
    functions.invokeAsync('f', {})
    await advance(600_000)
    expect(runs).toBe(3)
    expect(functions.failures()).toEqual([])
  })

  test('is retried after a timeout too', async () => {
    let runs = 0
    add(async () => {
      runs += 1
      throw new Error('then not at all')
    })
    functions.hooks.invoke = ({ attempt }) => (attempt === 1 ? 'hang' : 'pass')
    functions.invokeAsync('f', {})
    await advance(600_000)
    expect(runs).toBe(2)
  })

  test('is not retried when the function says so', async () => {
    add(() => Promise.reject(new Error('once')), { asyncRetries: 0 })
    functions.invokeAsync('f', {})
    await functions.idle()
    expect(functions.failures()).toMatchObject([{ requestContext: { approximateInvokeCount: 1 } }])
  })

  test('that would exceed its maximum age is dropped', async () => {
    add(() => Promise.reject(new Error('old')), { maximumEventAgeMs: 90_000 })
    functions.invokeAsync('f', {})
    await advance(600_000)
    expect(functions.failures()).toMatchObject([
      { requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 2 } },
    ])
  })

  test('a throttle does not count as an attempt', async () => {
    let throttles = 0
    let runs = 0
    add(async () => {
      runs += 1
    })
    functions.hooks.invoke = () => {
      throttles += 1
      return throttles < 6 ? 'throttle' : 'pass'
    }
    functions.invokeAsync('f', {})
    await advance(60_000)
    expect(runs).toBe(1)
    expect(functions.failures()).toEqual([])
  })
})

describe('the fault layer', () => {
  test('fails an attempt without running the handler', async () => {
    let ran = false
    add(async () => {
      ran = true
    })
    functions.hooks.invoke = (info) => {
      expect(info).toEqual({ name: 'f', event: { n: 1 }, attempt: 1 })
      return 'fail'
    }
    expect(await functions.invoke('f', { n: 1 })).toMatchObject({ status: 'error' })
    expect(ran).toBe(false)
  })

  test('hangs it until the deadline, and idle does not wait for that', async () => {
    add(async () => 'never')
    functions.hooks.invoke = () => 'hang'
    const result = functions.invoke('f', {})
    await functions.idle()
    await advance(3_000)
    expect(await result).toMatchObject({ status: 'timeout' })
  })

  test('kills it after its effects and before its response', async () => {
    let ran = false
    add(async () => {
      ran = true
    })
    functions.hooks.invoke = () => 'kill'
    expect(await functions.invoke('f', {})).toMatchObject({ status: 'timeout' })
    expect(ran).toBe(true)
  })

  test('delays it by the clock, before its deadline counts', async () => {
    add(async (_event, context) => context.getRemainingTimeInMillis() > 2_900)
    functions.hooks.invoke = () => ({ delayMs: 5_000 })
    const result = functions.invoke('f', {})
    await advance(5_000)
    expect(await result).toEqual({ status: 'ok', payload: true })
  })

  test('duplicates it', async () => {
    let runs = 0
    add(async () => {
      runs += 1
      return runs
    })
    functions.hooks.invoke = () => 'duplicate'
    expect(await functions.invoke('f', {})).toMatchObject({ status: 'ok' })
    expect(runs).toBe(2)
  })
})

test('reports function errors to onError', async () => {
  const reports: unknown[] = []
  const own = await createFunctions({ clock, onError: (report) => reports.push(report) })
  const handler = () => Promise.reject(new Error('received'))
  own.register({ name: 'f', timeoutMs: 3_000, run: { kind: 'in-process', handler } })
  await own.invoke('f', {})
  expect(reports).toMatchObject([{ name: 'f', result: { status: 'error', errorMessage: 'received' } }])
  await own.close()
})

test('closing ends running invocations and drops queued events', async () => {
  let runs = 0
  add(async () => {
    runs += 1
    await never()
  })
  const underWay = functions.invoke('f', {})
  functions.invokeAsync('f', {})
  await functions.close()
  expect(await underWay).toMatchObject({ status: 'timeout' })
  await advance(600_000)
  expect(runs).toBe(1)
})
