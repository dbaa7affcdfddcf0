import { describe, expect, it } from 'vitest'
import { addTypist, dropSilent, noTypists, removeTypist, typingWords } from './typists.ts'

const typing = (...names: readonly string[]) => names.reduce((typists, name) => addTypist(typists, name, 0), noTypists)

describe('typists', () => {
  it('are listed by name up to two', () => {
    expect(typingWords(noTypists)).toBe('')
    expect(typingWords(typing('ann'))).toBe('ann is typing…')
    expect(typingWords(typing('ann', 'bob'))).toBe('ann and bob are typing…')
    expect(typingWords(typing('ann', 'bob', 'eve'))).toBe('Several people are typing…')
  })

  it('are removed when their typing events stop', () => {
    expect(typingWords(dropSilent(typing('ann'), 3_999))).toBe('ann is typing…')
    expect(typingWords(dropSilent(typing('ann'), 4_000))).toBe('')
  })

  it('are removed when their message arrives', () => {
    expect(typingWords(removeTypist(typing('ann', 'bob'), 'ann'))).toBe('bob is typing…')
  })
})
