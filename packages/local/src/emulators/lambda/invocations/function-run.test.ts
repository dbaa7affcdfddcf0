import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLocalClock, type LocalClock } from '../../clock.ts'
import { createFunctions, type LocalFunctions } from '../functions.ts'
import type { FunctionRun } from './function-run.ts'
import type { InProcessRun } from './lambda-function.ts'

let clock: LocalClock
let functions: LocalFunctions
let runs: FunctionRun[]
beforeEach(async () => {
  clock = createLocalClock()
  functions = await createFunctions({ clock })
  runs = []
  functions.hooks.ran = (run) => runs.push(run)
})
afterEach(() => functions.close())

const register = (handler: InProcessRun['handler']) =>
  functions.register({ name: 'f', timeoutMs: 3_000, run: { kind: 'in-process', handler } })
const hanging = () => new Promise(() => {})

describe('a finished run', () => {
  test('is reported with its name, its attempt and its outcome', async () => {
    register(async () => 'done')
    await functions.invoke('f', {})
    expect(runs).toMatchObject([{ name: 'f', attempt: 1, outcome: 'ok' }])
    expect(runs[0]).not.toHaveProperty('initMs') // a function in this process has no load time
  })

  test('is an error when its handler threw', async () => {
    register(() => Promise.reject(new Error('no')))
    await functions.invoke('f', {})
    expect(runs).toMatchObject([{ outcome: 'error' }])
  })

  test('has the full duration when it was ended at its deadline', async () => {
    register(hanging)
    const invoked = functions.invoke('f', {})
    await clock.advance(3_000)
    await invoked
    expect(runs).toMatchObject([{ outcome: 'timeout' }])
    expect(runs[0]?.durationMs).toBeGreaterThanOrEqual(3_000)
  })

  test('is killed when it was ended before its deadline', async () => {
    register(hanging)
    const invoked = functions.invoke('f', {})
    functions.kill('f')
    await invoked
    expect(runs).toMatchObject([{ outcome: 'killed' }])
  })

  test('has no duration when it never started', async () => {
    register(hanging)
    functions.hooks.invoke = () => ({ delayMs: 60_000 })
    const invoked = functions.invoke('f', {})
    await clock.advance(1_000)
    functions.kill('f')
    await invoked
    expect(runs).toMatchObject([{ outcome: 'killed', durationMs: 0 }])
  })

  test('is reported for each run of a duplicate, and not for a throttled attempt', async () => {
    register(async () => 'done')
    functions.hooks.invoke = () => 'duplicate'
    await functions.invoke('f', {})
    expect(runs).toHaveLength(2)
    functions.hooks.invoke = () => 'throttle'
    await functions.invoke('f', {})
    expect(runs).toHaveLength(2)
  })
})
