import { followConversation } from './follow-conversation.ts'
import { client } from './line.ts'
import './page.css'

if (location.hash === '') location.hash = crypto.randomUUID().slice(0, 8) // a conversation of its own, kept by a reload

export const conversation = followConversation(client, decodeURIComponent(location.hash.slice(1)))
