import { useEffect, useMemo, useRef, useState } from 'react'
import { explainFailure } from '../words/failure.ts'
import { client } from './line.ts'
import { newId } from './new-id.ts'
import type { Asked, ShownMessage } from './timeline.ts'

/** An answer of the bot that is not posted: it is being written, or it ended before it was complete. */
export interface Answer extends Asked {
  readonly text: string
  readonly state: 'writing' | 'stopped' | 'failed'
  /** The reason of a failure, else null. */
  readonly failure: string | null
}

/** A question that is not in the log yet. */
export interface Question extends Asked {
  readonly at: number
}

export interface Answers {
  /** What is known of each answer, by its id. */
  readonly written: ReadonlyMap<string, Answer>
  /** The questions of this browser that the server has not accepted, or refused. */
  readonly questions: readonly Question[]
  ask(prompt: string): void
  /** Stops the bot for everybody in the room. */
  stop(answer: Asked): void
  askAgain(answer: Asked): void
}

type Writing = Pick<Answer, 'text' | 'state' | 'failure'>
const nothing: Writing = { text: '', state: 'writing', failure: null }

/**
 * The answers that the bot writes in one room, for all who asked. Each is a stream that this browser reads from its
 * first word, also after a reload. `onError` is called with the reason when a stop fails.
 */
export function useAnswers(
  room: string,
  shown: readonly ShownMessage[],
  { me, onError }: { readonly me: string | null; readonly onError: (error: unknown) => void },
): Answers {
  const [writing, setWriting] = useState<ReadonlyMap<string, Writing>>(new Map())
  const [questions, setQuestions] = useState<readonly Question[]>([])
  const change = (id: string, to: (before: Writing) => Partial<Writing>) =>
    setWriting((all) => {
      const before = all.get(id) ?? nothing
      return new Map(all).set(id, { ...before, ...to(before) })
    })
  const asked = useMemo(() => shown.flatMap((one) => one.asked ?? []), [shown])
  useStreams(room, asked, change)

  const ask = (prompt: string) => {
    const id = newId()
    setQuestions((before) => [...before, { id, asker: me ?? '', prompt, at: Date.now() }])
    client.bot.ask.mutate({ room, id, prompt }).catch((error: unknown) => {
      change(id, () => ({ state: 'failed', failure: explainFailure(error) }))
    })
  }
  const written = useMemo(
    () => new Map([...asked, ...questions].map((one) => [one.id, { ...one, ...(writing.get(one.id) ?? nothing) }])),
    [asked, questions, writing],
  )
  return {
    ...{ written, questions, ask },
    stop: ({ asker, id }) => void client.bot.stop.mutate({ room, asker, id }).catch(onError),
    askAgain({ id, prompt }) {
      setQuestions((before) => before.filter((question) => question.id !== id))
      ask(prompt) // another question: the stream of the first one has ended
    },
  }
}

/** Subscribes to the stream of each answer once, until it ends or the user leaves the room. */
function useStreams(
  room: string,
  asked: readonly Asked[],
  change: (id: string, to: (before: Writing) => Partial<Writing>) => void,
): void {
  const followed = useRef(new Map<string, { unsubscribe(): void }>())
  const latest = useRef(change)
  latest.current = change
  useEffect(() => {
    for (const { id, asker } of asked) {
      if (followed.current.has(id)) continue
      const follow = (to: (before: Writing) => Partial<Writing>) => latest.current(id, to)
      const subscription = client.bot.answer.subscribe(
        { room, asker, id },
        {
          onData: ({ data }) => follow(({ text }) => ({ text: text + data })),
          onGap: () => follow(() => ({ text: '' })), // what follows does not continue it
          onOutcome: (outcome) => {
            if (outcome === 'stopped') follow(({ text }) => ({ state: 'stopped', text: text.trimEnd() }))
          },
          onError: (error) =>
            follow(({ text }) => ({ state: 'failed', text: text.trimEnd(), failure: explainFailure(error) })),
        },
      )
      followed.current.set(id, subscription)
    }
  }, [room, asked])
  useEffect(() => {
    const all = followed.current
    return () => {
      for (const subscription of all.values()) subscription.unsubscribe()
      all.clear()
    }
  }, [])
}
