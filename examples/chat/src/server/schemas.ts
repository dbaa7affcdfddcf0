import * as z from 'zod' // shared with the browser: no server import

/** The name of the bot. No user may have it. */
export const botName = 'bot'

/** The name of a user. The browser checks it before it signs in. */
export const guestName = z
  .string()
  .trim()
  .min(1, 'Type a name')
  .max(40, 'A name has at most 40 characters')
  .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'A name has no invisible characters')
  .refine((name) => name.toLowerCase() !== botName, 'That is the name of the bot')

/** The key of every topic of this chat. */
export const room = z.object({ room: z.string().min(1).max(64) })

/** The client creates the id, so that the page can match a message that it shows early with its event. */
export const message = z.object({
  id: z.uuid(),
  author: z.string(),
  text: z.string().trim().min(1).max(4_000),
  at: z.number(),
})
export type Message = z.infer<typeof message>

/**
 * A question to the bot. `id` becomes the id of the posted answer, so that the page can match the streamed answer with
 * it.
 */
export const question = room.extend({ id: z.uuid(), prompt: z.string().trim().min(1).max(2_000) })

/** The key of an answer's stream. `asker` is the name of the person who asked. */
export const answerKey = room.extend({ asker: z.string().max(40), id: z.uuid() })

/**
 * The events of a room. `asked` announces an answer of the bot, whose words come by a stream until it is posted. The
 * server sets the author of `edited` and `removed`. Readers apply them only to messages of the same author, so that
 * the server need not look up the message.
 */
export const messageEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('posted'), message }),
  z.object({
    type: z.literal('asked'),
    ...answerKey.pick({ id: true, asker: true }).shape,
    prompt: z.string(),
    at: z.number(),
  }),
  z.object({ type: z.literal('edited'), ...message.pick({ id: true, author: true, text: true }).shape }),
  z.object({ type: z.literal('removed'), ...message.pick({ id: true, author: true }).shape }),
])
export type MessageEvent = z.infer<typeof messageEvent>

/** The events of a room's subscription: first the newest page, which is sent again after a gap. */
export const roomEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('page'),
    events: z.array(z.object({ id: z.string(), data: messageEvent })).readonly(),
    older: z.string().nullable(),
    newer: z.string().nullable(),
  }),
  messageEvent,
])

/** The data of a member that others see. */
export const memberData = z.object({ name: z.string(), away: z.boolean().default(false) })

export const typist = z.object({ author: z.string() })

/** A moderator muted somebody in a room until then, in epoch milliseconds. The newest event of a name counts. */
export const moderationEvent = z.object({ type: z.literal('muted'), name: z.string(), until: z.number() })

/** Whom a moderator ends the visit of. */
export const kickInput = z.object({ name: guestName })

/** At most a day, which is how long such an event is kept. */
export const muteInput = room.extend({ name: z.string(), minutes: z.number().min(0).max(1_440) })
