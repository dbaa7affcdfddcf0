import type { StreamStore } from '../../ports/streams.ts'
import { streamInputKey, streamKey, streamSignKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of streams in the table. */
export function streamOperations({ get, put, update, queryAll, remove }: Requests): StreamStore {
  return {
    async putStreamInput({ topic, digest, input, expires }) {
      await put({ ...streamInputKey(topic, digest), input, expires })
    },
    async readStreamInput(topic, digest) {
      return (await get(streamInputKey(topic, digest)))?.input as string | undefined // only `putStreamInput` writes it
    },
    async putStreamSign({ topic, claim, alive, expires }) {
      await put({ ...streamSignKey(topic, claim), alive, expires })
    },
    async readStreamSign(topic, claim) {
      return Number((await get(streamSignKey(topic, claim)))?.alive ?? 0)
    },
    async takeStreamPoke({ topic, at, before, expires }) {
      const write = await update(streamKey(topic), {
        expression: 'SET #poked = :at, #expires = :expires',
        condition: 'attribute_not_exists(#poked) OR #poked <= :before',
        values: { at, before, expires },
      })
      if (write.written) return 'taken'
      const isOwn = write.tries > 1 && (await write.find())?.poked === at
      return isOwn ? 'taken' : 'recent'
    },
    async deleteStreamRows(topic) {
      const { pk } = streamKey(topic)
      for (const { sk } of await queryAll('#pk = :pk', { pk }))
        await remove({ pk, sk: String(sk) }, 'attribute_exists(#pk)', {})
    },
  }
}
