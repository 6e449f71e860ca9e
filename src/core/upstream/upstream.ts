export { openUpstream, type Upstream, type UpstreamReply, type UpstreamStream } from './call.ts'
export { neverSent } from './failure.ts'
