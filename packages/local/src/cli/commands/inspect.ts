import { defineCommand } from '../definition/command.ts'
import { count } from '../definition/options.ts'

export const inspectCommand = defineCommand({
  name: 'inspect',
  heading: 'Operate a line',
  summary: 'Show a deployed line in the inspector, read-only',
  description:
    "Serves the inspector's page on this machine, with your own AWS credentials: connections by principal or id, topics, presences and streams by name, runs of functions from the logs, and the usage of the last hour. It changes nothing and never scans the table. The address has a random token: open it as it is printed. The inspector of a local line is on that line's own port, and its address is printed.",
  onLine: true,
  options: { port: count('The port of the page (default: a free one)', { most: 65_535 }) },
  examples: [
    ['trunkline inspect --stage prod', 'Show the stage prod'],
    [
      'trunkline inspect --stage prod --profile support --port 4500',
      'With the credentials of a profile, at a fixed port',
    ],
  ],
  async run({ options, io, findLine }) {
    const stage = await findLine()
    if (stage.kind === 'local') {
      if (stage.inspectorUrl === undefined)
        throw new Error('This local line has no inspector. Start it with trunkline dev.')
      io.result({ address: stage.inspectorUrl }, stage.inspectorUrl)
      return 0
    }
    const [{ createInspectorHttp }, { serveInspector }, { StageSource }] = await Promise.all([
      import('../../inspector/http.ts'),
      import('../../inspect-stage/serve-inspector.ts'),
      import('../../inspect-stage/stage-source.ts'),
    ])
    const { store } = await stage.backend()
    const source = new StageSource({ stage, store }, { onProblem: io.note })
    const served = await serveInspector(createInspectorHttp(source), options.port).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error
        throw new Error(`Port ${options.port} is in use. Name another port, or none to use a free one.`, {
          cause: error,
        })
      },
    )
    io.result({ address: served.address }, `${stage.name}: ${served.address}`)
    io.note('Ctrl-C ends it.')
    await new Promise<void>((resolve) => {
      if (io.interrupted.aborted) resolve()
      io.interrupted.addEventListener('abort', () => resolve(), { once: true })
    })
    await served.close()
    return 0
  },
})
