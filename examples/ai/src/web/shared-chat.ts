import { Chat } from '@ai-sdk/react'
import { createChatTransport } from '@trunkline/client/ai'
import { readUIMessageStream, type UIMessage } from 'ai'
import type { Turn } from '../server/schemas.ts'
import { client } from './line.ts'

/** A chat that every tab with the same id shows. */
export interface SharedChat {
  /** For `useChat({ chat })`. As a chat of the application it is not stopped when React unmounts a component. */
  readonly chat: Chat<UIMessage>
  /** Shows the chat so far, then what other tabs ask. Returns a function that ends it. */
  follow(handlers: { readonly onReady: () => void; readonly onError: (error: unknown) => void }): () => void
}

export function createSharedChat(id: string): SharedChat {
  const chat: Chat<UIMessage> = new Chat<UIMessage>({
    id,
    transport: createChatTransport({
      watch: client.watch,
      start({ chatId, messages }) {
        const asked = messages.at(-1)
        return client.ask.mutate({ chat: chatId, id: asked?.id ?? '', text: asked === undefined ? '' : textOf(asked) })
      },
      async resume({ chatId }) {
        const last = chat.lastMessage
        return last?.role === 'user' ? { chat: chatId, turn: last.id } : null
      },
      stop: (key) => client.stop.mutate(key),
    }),
  })
  /** Shows the answer to the last question, unless this tab shows it already. */
  const resume = () => {
    if (chat.status === 'ready' || chat.status === 'error') void chat.resumeStream()
  }
  return {
    chat,
    follow({ onReady, onError }) {
      const subscription = client.follow.subscribe(
        { chat: id },
        {
          async onData({ data }) {
            if ('type' in data) {
              if (chat.status === 'ready') chat.messages = await toMessages(data.turns)
              onReady()
              resume()
            } else if (!chat.messages.some((message) => message.id === data.id)) {
              chat.messages = [...chat.messages, toQuestion(data)]
              resume()
            }
          },
          onError,
        },
      )
      return () => subscription.unsubscribe()
    },
  }
}

interface AnsweredTurn extends Turn {
  readonly isOpen: boolean
  readonly chunks: readonly unknown[]
}

/** The messages of the questions and of the answers that have ended. */
async function toMessages(turns: readonly AnsweredTurn[]): Promise<UIMessage[]> {
  const each = turns.map(async (turn) => [toQuestion(turn), ...(await toAnswer(turn))])
  return (await Promise.all(each)).flat()
}

async function toAnswer({ chunks }: AnsweredTurn): Promise<UIMessage[]> {
  let message: UIMessage | undefined
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  for await (const next of readUIMessageStream({ stream })) message = next
  return message === undefined ? [] : [message]
}

const toQuestion = ({ id, text }: Turn): UIMessage => ({ id, role: 'user', parts: [{ type: 'text', text }] })

const textOf = ({ parts }: UIMessage): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
