/** livekit-client, served as it comes from npm. The one place that knows where it lies. */
export * from '/static/vendor/livekit-client/livekit-client.esm.mjs';
