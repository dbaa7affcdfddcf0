import { describe, expect, it } from 'vitest'
import { type Check, type CheckContext, MissingPermission, passed, warning, worstOf } from './context/check.ts'
import type { DoctorTarget } from './context/target.ts'
import { runChecks } from './run-checks.ts'

const target: DoctorTarget = {
  kind: 'aws',
  name: 'shop-prod',
  table: 'shop',
  functions: {},
  queues: {},
  outputs: {},
  resources: {},
  clientConfig: () => ({}),
  backend: () => Promise.reject(new Error('no backend')),
}

function check(id: string, run: Check['run'], more: Partial<Check> = {}): Check {
  return { id, title: `title of ${id}`, calls: 'nothing', cost: 'free', remedy: `Repair ${id}.`, run, ...more }
}

const run = (checks: readonly Check[], of = target) => runChecks(checks, { target: of, settings: {} })

describe('a run of checks', () => {
  it('returns the results in the order of the list, whichever ends first, and reports each as it ends', async () => {
    const ends: (() => void)[] = []
    const ended: string[] = []
    const first = check('first', () => new Promise((resolve) => ends.push(() => resolve(passed('')))))
    const second = check('second', async () => passed(''))
    const running = runChecks([first, second], { target, settings: {} }, ({ id }) => {
      ended.push(id)
      ends.shift()?.()
    })
    expect((await running).map(({ id }) => id)).toEqual(['first', 'second'])
    expect(ended).toEqual(['second', 'first'])
  })

  it('has a failed check for one that throws, with its error and the remedy of the check', async () => {
    const results = await run([
      check('broken', () => Promise.reject(new TypeError('x is not a function'))),
      check('thrown', () => {
        throw new Error('at once')
      }),
      check('odd', () => Promise.reject('a text')),
      check('far', () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))),
      check('fine', async () => passed('All is well.')),
    ])
    expect(results).toMatchObject([
      { status: 'failed', detail: 'TypeError: x is not a function', remedy: 'Repair broken.' },
      { status: 'failed', detail: 'Error: at once', remedy: 'Repair thrown.' },
      { status: 'failed', detail: 'It threw a text.' },
      { status: 'failed', remedy: 'Check the network, a proxy, and AWS_ENDPOINT_URL if it is set. Repair far.' },
      { status: 'passed', detail: 'All is well.' },
    ])
  })

  it('ends a check that takes too long, aborts its signal and undoes what it did', async () => {
    const undone: string[] = []
    let signal: AbortSignal | undefined
    const hanging = (context: CheckContext) => {
      signal = context.signal
      context.onEnd(async () => undone.push('row'))
      context.onEnd(() => Promise.reject(new Error('cannot be undone')))
      return new Promise<never>(() => {})
    }
    const [result] = await run([check('hanging', hanging, { timeoutMs: 20 })])
    expect(result).toMatchObject({ status: 'failed', detail: 'No result within 0.02 s.' })
    expect(result?.remedy).toContain('Repair hanging.')
    expect([signal?.aborted, undone]).toEqual([true, ['row']])
  })

  it('skips a check whose need has failed, and those that need it are run', async () => {
    const results = await run([
      check('table', () => Promise.reject(new Error('no table'))),
      check('stream', async () => passed(''), { needs: ['table'] }),
      check('filter', async () => passed(''), { needs: ['table', 'stream'] }),
      check('other', async () => passed(''), { needs: ['left out'] }),
    ])
    expect(results.map(({ status, detail }) => `${status} ${detail}`)).toEqual([
      'failed Error: no table',
      'skipped Not run, because table failed.',
      'skipped Not run, because table failed.',
      'passed ',
    ])
  })

  it('names the IAM action that the credentials of the person lack, which is a warning', async () => {
    const denied = new MissingPermission('lambda:GetAccountSettings', new Error('AccessDenied'))
    const [result] = await run([check('concurrency', () => Promise.reject(denied))])
    expect(result).toMatchObject({
      status: 'warning',
      detail: 'Not checked: Your credentials may not call lambda:GetAccountSettings.',
      remedy: 'Allow lambda:GetAccountSettings to the credentials with which you run the doctor.',
    })
  })

  it('skips by name what a local line does not have', async () => {
    const roles = check('roles', () => Promise.reject(new Error('called')), { target: 'aws' })
    const [result] = await run([roles], { ...target, kind: 'local' })
    expect(result).toMatchObject({ id: 'roles', status: 'skipped', detail: 'A local line has no such thing.' })
  })

  it('runs at most four checks at the same time', async () => {
    let [running, most] = [0, 0]
    const counting = async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return passed('')
    }
    await run(Array.from({ length: 20 }, (_, n) => check(`c${n}`, counting)))
    expect(most).toBe(4)
  })
})

describe('several findings', () => {
  it('become the worst of them, with the details and remedies that it has', () => {
    expect(worstOf([passed('a'), warning('b', 'do b'), warning('c', 'do c'), warning('d', 'do c')])).toEqual({
      status: 'warning',
      detail: 'b c d',
      remedy: 'do b do c',
    })
    expect(worstOf([passed('a'), passed('b')])).toEqual({ status: 'passed', detail: 'a b' })
  })
})
