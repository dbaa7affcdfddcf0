import * as z from 'zod' // shared with the browser: no server import

/** What a person may be called: it is the guest token too, so the browser checks it before it connects. */
export const guestName = z
  .string()
  .trim()
  .min(1, 'Type a name')
  .max(40, 'A name has at most 40 characters')
  .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'A name has no invisible characters')

/** The key of every topic of this chat. */
export const room = z.object({ room: z.string().min(1).max(64) })

/** The id is made by whoever writes, so that a message shown before it is sent and the event that confirms it are one. */
export const message = z.object({
  id: z.uuid(),
  author: z.string(),
  text: z.string().trim().min(1).max(4_000),
  at: z.number(),
})
export type Message = z.infer<typeof message>

/**
 * What may happen in a room. `edited` and `removed` name who did it, as the server knows them: readers apply them only
 * to that author's own message, so that the server need not look the message up.
 */
export const messageEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('posted'), message }),
  z.object({ type: z.literal('edited'), ...message.pick({ id: true, author: true, text: true }).shape }),
  z.object({ type: z.literal('removed'), ...message.pick({ id: true, author: true }).shape }),
])
export type MessageEvent = z.infer<typeof messageEvent>

export const typist = z.object({ author: z.string() })
