import type { UploadStore } from '../../ports/uploads.ts'
import { fromUploadItem, notedAttribute, openUploadPrefix } from '../requests/items.ts'
import { countsKey, partKey, uploadKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'
import { releasePlace, takePlace } from './places.ts'

/** The port of large messages in the table: an item for each part, and one for the message. */
export function uploadOperations(requests: Requests): UploadStore {
  const { put, update, getMany } = requests
  return {
    async openUpload({ connectionId, message, over, ...open }) {
      const result = await takePlace(requests, openUploads(connectionId), {
        ...{ ...open, name: message },
        over: over.map((overdue) => ({ name: overdue.message, until: overdue.until })),
      })
      if (result.status === 'taken') return { status: 'opened' }
      return { status: 'refused', open: result.places.map(({ name, until }) => ({ message: name, until })) }
    },
    closeUpload: ({ connectionId, message }) => releasePlace(requests, openUploads(connectionId), message),
    async putPart({ connectionId, message, part, text, expires }) {
      const item = { ...partKey(connectionId, message, part), text, expires }
      const write = await put(item, 'attribute_not_exists(#pk) OR #text = :text', { text })
      return write.written ? 'put' : 'differs'
    },
    async notePart({ connectionId, message, part, of, bytes, expires }) {
      const write = await update(uploadKey(connectionId, message), {
        expression: 'SET #noted = :true, #of = :of, #bytes = :bytes, #expires = if_not_exists(#expires, :expires)',
        condition: 'attribute_not_exists(#pk) OR (#of = :of AND #bytes = :bytes)',
        values: { of, bytes, expires, true: true },
        attributes: { noted: notedAttribute(part) },
        returnsItem: true,
      })
      const item = write.written ? write.item : await write.existing()
      return { status: write.written ? 'noted' : 'refused', row: fromUploadItem(connectionId, message, item) }
    },
    async claimUpload({ connectionId, message, owner }) {
      const write = await update(uploadKey(connectionId, message), {
        expression: 'SET #owner = :owner',
        condition: 'attribute_exists(#pk) AND (attribute_not_exists(#owner) OR #owner = :owner)',
        values: { owner },
      })
      return write.written ? 'claimed' : 'taken'
    },
    async readParts(connectionId, message, of) {
      const keys = Array.from({ length: of }, (_, part) => partKey(connectionId, message, part))
      const found = await getMany(keys)
      return keys.map((key) => found.get(key)?.text as string | undefined) // only `putPart` writes such items
    },
  }
}

function openUploads(connectionId: string) {
  return { key: countsKey(connectionId), prefix: openUploadPrefix, count: 'uploads' }
}
