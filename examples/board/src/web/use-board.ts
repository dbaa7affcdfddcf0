import { trunklineError } from '@trunkline/client'
import { useEffect, useReducer, useState } from 'react'
import type { Column } from '../columns.ts'
import { emptyBoard, reduceBoard, type ShownBoard } from './board-state.ts'
import { client } from './line.ts'

export interface LiveBoard {
  readonly shown: ShownBoard
  /** The last error message, or null. */
  readonly problem: string | null
  add(title: string): void
  move(id: string, column: Column): void
  remove(id: string): void
}

/** A live board. Actions write to the table, and the table's events change what is shown. */
export function useBoard(board: string): LiveBoard {
  const [shown, dispatch] = useReducer(reduceBoard, emptyBoard)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    const subscription = client.live.subscribe(
      { board },
      { onData: ({ data }) => dispatch(data), onError: (error) => setProblem(wordsFor(error)) },
    )
    return () => subscription.unsubscribe()
  }, [board])

  const run = async (done: Promise<unknown>, undo: () => void = () => {}) => {
    setProblem(null)
    try {
      await done
    } catch (error) {
      setProblem(wordsFor(error))
      undo()
    }
  }
  return {
    shown,
    problem,
    add: (title) => void run(client.add.mutate({ board, id: crypto.randomUUID(), title })),
    move: (id, column) => {
      dispatch({ type: 'move', id, column })
      void run(client.move.mutate({ board, id, column }), () => dispatch({ type: 'undo-move', id }))
    },
    remove: (id) => void run(client.remove.mutate({ board, id })),
  }
}

function wordsFor(error: unknown): string {
  const { message } = trunklineError(error) ?? (error instanceof Error ? error : { message: String(error) })
  return message
}
