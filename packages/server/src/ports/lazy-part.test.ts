import { expect, test } from 'vitest'
import { lazyPart, loadParts, PartError, withPart } from './lazy-part.ts'

test('a part is imported once, and used at once after that', async () => {
  let imports = 0
  const part = lazyPart([], async () => ({ value: ++imports }))
  expect(part.loaded).toBeUndefined()
  expect(await withPart(part, ({ value }) => value)).toBe(1)
  expect(withPart(part, ({ value }) => value)).toBe(1)
  expect(await part.load()).toEqual({ value: 1 })
})

test('callers who wait for a part go on in their order, whatever each import takes', async () => {
  const imports: ((value: number) => void)[] = []
  const part = lazyPart([], () => new Promise<number>((resolve) => imports.push(resolve)))
  const order: string[] = []
  const callers = ['first', 'second'].map((name) => part.load().then(() => order.push(name)))
  for (const resolve of imports.reverse()) resolve(1)
  await Promise.all(callers)
  expect(order).toEqual(['first', 'second'])
})

test('a part whose file could not be read is read again by the next call', async () => {
  let tries = 0
  const part = lazyPart([], async () => {
    if (++tries === 1) throw new Error('EMFILE')
    return tries
  })
  const failed = part.load()
  await expect(failed).rejects.toThrow(PartError)
  await expect(failed).rejects.toHaveProperty('cause.message', 'EMFILE')
  expect(await part.load()).toBe(2)
})

test('the parts of a function are those that it needs for each event', async () => {
  const read: string[] = []
  const note = (name: string) => async () => read.push(name)
  lazyPart(['one', 'two'], note('shared'))
  lazyPart(['two'], note('second'))
  lazyPart([], note('rare'))
  await loadParts('one')
  expect(read).toEqual(['shared'])
  await loadParts()
  expect(read.sort()).toEqual(['rare', 'second', 'shared'])
})
