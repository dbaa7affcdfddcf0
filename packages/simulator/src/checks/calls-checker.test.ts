import { expect, it } from 'vitest'
import type { CallRecord } from '../records/history.ts'
import { createWorld } from '../world/create-world.ts'
import { checkCalls } from './calls-checker.ts'
import { rulesOf, worldOf } from './published-world.suite.ts'

it('checks that calls settle once and in time, are in the log when acknowledged, and get one response per key', () => {
  const world = worldOf(1, 2, 3, 4, 5)
  const call: CallRecord = {
    principal: null,
    ...({ device: 'd', path: 'post', room: 'a' } as const),
    ...{ key: 'own-1', at: 0, deviceAt: 0, orderingKey: undefined, n: 1 },
    ...{ settled: 1, settledAt: 10, deviceSettledAt: 10, answer: { data: { id: '0.e:1' } } },
  }
  world.history.calls.push({ ...call }, { ...call, answer: { data: { id: '0.e:2' } } })
  world.history.calls.push(
    { ...call, key: 'auto', n: 99 },
    { ...call, n: 2, settled: 2 },
    { ...call, n: 3, deviceSettledAt: 40_000 },
  )
  checkCalls(world)
  expect(world.report.violations.map(({ rule }) => rule).sort()).toEqual(['H1', 'H10', 'H11', 'H11'])
})

it.each([
  ['ann', []],
  [null, ['H10']],
  ['bob', ['H10']],
])('checks that a payment of ann is made as ann, here as %s', (payer, rules) => {
  const world = worldOf(1)
  const call: CallRecord = {
    ...({ device: 'd', principal: 'ann', path: 'bill', room: 'a' } as const),
    ...{ key: 'auto', at: 0, deviceAt: 0, orderingKey: undefined, n: 1 },
    ...{ settled: 1, settledAt: 10, deviceSettledAt: 10, answer: { data: { id: '0.e:1' } } },
  }
  world.history.calls.push(call)
  world.history.charges.set(1, 1)
  world.history.payers.set(1, new Set([payer]))
  checkCalls(world)
  expect(rulesOf(world)).toEqual(rules)
})

it('checks the order of acknowledged calls, and of the calls with one orderingKey', () => {
  const call: CallRecord = {
    principal: null,
    ...({ device: 'd', path: 'post', room: 'a' } as const),
    ...{ key: 'auto', at: 0, deviceAt: 0, orderingKey: undefined, n: 1 },
    ...{ settled: 1, settledAt: 10, deviceSettledAt: 10, answer: { data: { id: '0.e:1' } } },
  }
  const rulesBrokenBy = (...calls: readonly CallRecord[]) => {
    const world = worldOf(1, 2, 4, 3)
    world.history.calls.push(...calls)
    checkCalls(world)
    return rulesOf(world)
  }
  const second = { ...call, n: 2 }
  expect(rulesBrokenBy(call, { ...second, at: 20 })).toEqual([])
  expect(rulesBrokenBy({ ...call, at: 5 }, second)).toEqual([]) // they ran concurrently
  expect(rulesBrokenBy({ ...call, at: 20 }, second)).toEqual(['H9'])
  const [third, fourth] = [
    { ...call, n: 3 },
    { ...call, n: 4 },
  ]
  expect(rulesBrokenBy(third, fourth)).toEqual([])
  expect(rulesBrokenBy({ ...third, orderingKey: 'l' }, { ...fourth, orderingKey: 'm' })).toEqual([])
  expect(rulesBrokenBy({ ...third, orderingKey: 'l' }, { ...fourth, orderingKey: 'l' })).toEqual(['H9'])
})

it('finds a claim without an end', () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const expires = world.kernel.now / 1_000 + 8_000
  world.table.operations.claimKey({ key: 'k', owner: 'o', fingerprint: 'f', lease: world.kernel.now + 75_001, expires })
  checkCalls(world)
  expect(rulesOf(world)).toEqual(['H14'])
})
