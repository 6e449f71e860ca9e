export { neverSent, openUpstream, type Upstream, type UpstreamReply, type UpstreamStream } from './call.ts'
