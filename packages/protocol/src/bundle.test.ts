import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

test('the decoder for browsers loads limits and error policies, but no zod and no descriptions', async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { decodeServerMessage } from './index.ts'`, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
  })
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  )
  const gzipBytes = gzipSync(outputFiles[0]?.contents ?? '').length
  console.info(`decodeServerMessage: ${gzipBytes} bytes gzip`)
  expect(inputs.filter((path) => /zod|-table\.ts|\.schema\.ts/.test(path))).toEqual([])
  expect(gzipBytes).toBeLessThan(1_720)
})
