{{- define "yuejie.labels" -}}
app.kubernetes.io/name: yuejie
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "yuejie.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "yuejie.env" -}}
envFrom:
  - secretRef: {name: {{ .Values.secretName }}}
env:
  - {name: YUEJIE_NODE, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: YUEJIE_PROBE_URL, value: "http://{{ .Release.Name }}-gateway:8400/readyz"}
  - {name: YUEJIE_CONSOLE_URL, value: {{ .Values.console.url | quote }}}
  - {name: YUEJIE_GATEWAY_URL, value: {{ .Values.gatewayUrl | quote }}}
  {{- range $name, $value := .Values.env }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
{{- end -}}

{{- define "yuejie.pod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
automountServiceAccountToken: false
{{- end -}}

{{- define "yuejie.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}
