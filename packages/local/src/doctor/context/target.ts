import type { Stage } from '../../stage/stage.ts'

/** The line that the doctor examines. What is absent is not known, and the checks that need it are skipped. */
export type DoctorTarget = Pick<
  Stage,
  | 'kind'
  | 'name'
  | 'table'
  | 'webSocketUrl'
  | 'callbackUrl'
  | 'httpUrl'
  | 'functions'
  | 'queues'
  | 'outputs'
  | 'resources'
  | 'clientConfig'
  | 'backend'
>
