/** A request as it leaves a device. Names of headers are in lower case. */
export interface DeviceRequest {
  readonly device: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A response as it reaches a device. Names of headers are in lower case. */
export interface DeviceResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
