import * as z from 'zod' // shared with the browser: no server import

/** Who answers questions here. No person may be called so. */
export const botName = 'bot'

/** What a person may be called: it is the guest token too, so the browser checks it before it connects. */
export const guestName = z
  .string()
  .trim()
  .min(1, 'Type a name')
  .max(40, 'A name has at most 40 characters')
  .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'A name has no invisible characters')
  .refine((name) => name.toLowerCase() !== botName, 'That is the name of the bot')

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

/** A question to the bot. `id` is what its answer will be called in the room, so that the one being written and the one that is posted are one. */
export const question = room.extend({ id: z.uuid(), prompt: z.string().trim().min(1).max(2_000) })

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

/** What whoever follows a room is told: its newest page first, and again after a gap. */
export const roomEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('page'),
    events: z.array(z.object({ id: z.string(), data: messageEvent })).readonly(),
    older: z.string().nullable(),
    newer: z.string().nullable(),
  }),
  messageEvent,
])

/** What others see of a person in a room, beside who it is. */
export const memberData = z.object({ name: z.string(), away: z.boolean().default(false) })

export const typist = z.object({ author: z.string() })
