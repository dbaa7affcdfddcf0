import type { UIMessageChunk } from 'ai'
import * as z from 'zod' // shared with the browser: no server import

/** The key of a chat: the part of the address behind `#`. */
export const chat = z.object({ chat: z.string().min(1).max(64) })

/** A question of a chat. The client creates the id, which is also the id of its message. */
export const turn = z.object({ id: z.string().min(1).max(64), text: z.string().trim().min(1).max(4_000) })
export type Turn = z.infer<typeof turn>

/** The key of an answer's stream. */
export const answerKey = chat.extend({ turn: turn.shape.id })

/** A part of an answer, as the AI SDK defines it. The producer is ours, so it is not checked. */
export const chunk = z.custom<UIMessageChunk>()
