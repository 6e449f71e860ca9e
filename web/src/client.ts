import { routes } from 'virtual:routes'
import { createClient } from '../../src/client/client.ts'
import type { Api } from '../../src/contract.ts'
import type { Output } from '../../src/core/contract.ts'

/** The same typed client as everywhere, for the server that this page came from. */
export const client = createClient<Api>(routes, { url: '' })

export type Status = Output<Api['review']['status']>
export type Card = Status['models'][number]
export type Release = Output<Api['delivery']['getRelease']>
export type Span = Output<Api['delivery']['timeline']>['spans'][number]
export type Window = Output<Api['monitoring']['series']>['items'][number]
export type Drift = Output<Api['monitoring']['drift']>
export type Endpoint = Output<Api['serving']['getEndpoint']>
export type Estimate = Window['bias']
