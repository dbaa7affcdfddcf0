import type { Unsubscribable } from '@trpc/server/observable'
import { useCallback, useEffect, useRef, useState } from 'react'
import { explainFailure } from '../words/failure.ts'
import { client } from './line.ts'
import { newId } from './new-id.ts'

/** An answer of the bot while it is written for this browser. */
export interface Answer {
  /** The id that the posted message will have. */
  readonly id: string
  readonly prompt: string
  readonly text: string
  readonly at: number
  /** The reason of a failure, else null. */
  readonly failure: string | null
}

export interface Answers {
  /** The answers that this browser asked for, finished ones included. The posted message replaces them in the list. */
  readonly answers: readonly Answer[]
  ask(prompt: string): void
  /** Stops the bot and removes the answer. */
  stop(answer: Answer): void
  askAgain(answer: Answer): void
}

/** The answers that the bot is writing in one room. Leaving the room stops them. */
export function useAnswers(room: string): Answers {
  const [answers, setAnswers] = useState<readonly Answer[]>([])
  const running = useRef(new Map<string, Unsubscribable>())
  useEffect(() => {
    const all = running.current
    return () => {
      for (const subscription of all.values()) subscription.unsubscribe()
      all.clear()
    }
  }, [])

  const change = useCallback((id: string, to: (answer: Answer) => Answer) => {
    setAnswers((before) => before.map((answer) => (answer.id === id ? to(answer) : answer)))
  }, [])
  const begin = (id: string, prompt: string) => {
    setAnswers((before) => [
      ...before.filter((answer) => answer.id !== id),
      { id, prompt, text: '', at: Date.now(), failure: null },
    ])
    const subscription = client.bot.ask.subscribe(
      { room, id, prompt },
      {
        onData: (token) => change(id, (answer) => ({ ...answer, text: answer.text + token })),
        // the socket was lost, so the bot writes its answer again
        onGap: () => change(id, (answer) => ({ ...answer, text: '' })),
        onError: (error) => change(id, (answer) => ({ ...answer, failure: explainFailure(error) })),
      },
    )
    running.current.set(id, subscription)
  }
  const stop = ({ id }: Answer) => {
    running.current.get(id)?.unsubscribe()
    running.current.delete(id)
    setAnswers((before) => before.filter((answer) => answer.id !== id))
  }
  return { answers, ask: (prompt) => begin(newId(), prompt), stop, askAgain: ({ id, prompt }) => begin(id, prompt) }
}
