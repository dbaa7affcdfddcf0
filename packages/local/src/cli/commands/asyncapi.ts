import { defined } from '@trunkline/protocol'
import { defineCommand } from '../definition/command.ts'
import { file, text } from '../definition/options.ts'

export const asyncapiCommand = defineCommand({
  name: 'asyncapi',
  heading: 'Describe an application',
  summary: 'Write an AsyncAPI 3 document of an application',
  description:
    "Writes an AsyncAPI 3 document of the procedures, channels and schemas that the entry's handlers serve, as JSON. It runs no procedure. With --stage, --stack or --local the document has the address of that line.",
  onLine: true,
  args: { entry: { required: true, description: 'The module that exports your handlers', isFile: true } },
  options: {
    out: file('The file to write (default: the output)'),
    url: text('url', "The line's address, such as wss://example.com/prod"),
    title: text('text', 'The title (default: the name in the nearest package.json)'),
    version: text('text', 'The version (default: the version in the nearest package.json)'),
  },
  examples: [
    ['trunkline asyncapi src/lambda.ts', 'Print the document'],
    ['trunkline asyncapi src/lambda.ts --url wss://example.com/prod --out api.json', 'Write it to a file'],
  ],
  async run({ args: { entry }, options, io, target, findLine }) {
    const { writeDocument } = await import('../../asyncapi/write-document.ts')
    const url = options.url ?? (Object.keys(target).length > 0 ? (await findLine()).webSocketUrl : undefined)
    const document = await writeDocument(entry, { ...options, ...defined({ url }) })
    if (options.out === undefined) io.print(document.trimEnd())
    else io.result({ out: options.out }, [])
    return 0
  },
})
