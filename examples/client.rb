# Restore a clip with Answerprint's daemon, watch it, and keep the first restored frame as a picture.
#
#   ruby -I gen examples/client.rb CLIP OUTPUT PICTURE.png
#
# Written from docs/protocol.md. On Debian: apt install ruby-grpc ruby-grpc-tools libprotobuf-dev
# The code is made of the contract, into the folder `gen`:
#
#   mkdir -p gen
#   grpc_tools_ruby_protoc -I proto --ruby_out=gen --grpc_out=gen proto/answerprint/rpc/v1/*.proto

require "answerprint/rpc/v1/frames_services_pb"
require "answerprint/rpc/v1/restoration_services_pb"
require "English"
require "json"
require "securerandom"

include Answerprint::Rpc::V1

PROTOCOL = 1
PATIENCE_SECONDS = 60 # for a daemon that is being restarted
ENDED = %i[JOB_STATE_DONE JOB_STATE_FAILED JOB_STATE_CANCELLED]

def fail_with(message, remedy, exit_code)
  warn "#{message} #{remedy}".strip
  exit exit_code
end

# Where the daemon keeps its files.
def home
  return File.expand_path(ENV["ANSWERPRINT_HOME"]) unless ENV["ANSWERPRINT_HOME"].to_s.empty?
  return File.join(Dir.home, "Library", "Application Support", "answerprint") if RUBY_PLATFORM.include?("darwin")

  data = ENV["XDG_DATA_HOME"].to_s
  File.join(data.empty? ? File.join(Dir.home, ".local", "share") : data, "answerprint")
end

# A channel to the daemon that runs now. Its address and token are others after a restart: then make a new one.
class Daemon
  attr_reader :jobs, :frames, :token

  def initialize
    file = File.join(home, "run", "session.json")
    # Whoever else could have written the file could have us send the token, and paths of clips, to them.
    [File.dirname(file), file].each do |place|
      found = File.lstat(place)
      open_to_others = found.uid != Process.uid || found.mode & 0o077 != 0
      fail_with("#{place} is open to other users.", "Close it: chmod go-rwx #{place}", 3) if open_to_others
    end
    session = JSON.parse(File.read(file))
    wrong = "The daemon speaks protocol #{session["protocol"]}."
    fail_with(wrong, "Update this client, or restart the daemon.", 3) if session["protocol"] != PROTOCOL
    @token = { "authorization" => "Bearer #{session["token"]}" }
    @jobs = Restoration::Stub.new(session["endpoint"], :this_channel_is_insecure)
    @frames = Frames::Stub.new(session["endpoint"], :this_channel_is_insecure)
  end
end

# What the daemon says of an error; made up for errors of the connection, of which it says nothing.
def problem_of(error)
  said = error.metadata["answerprint-problem-bin"]
  said ? JSON.parse(said) : { "message" => error.message, "remedy" => "", "exit_code" => 3 }
end

# Show a job's events until it has ended; a restart of the daemon leaves none out.
def watch(id)
  seen = 0
  patience_ends = Time.now + PATIENCE_SECONDS
  loop do
    daemon = Daemon.new
    request = WatchJobRequest.new(id: id, after_sequence: seen)
    daemon.jobs.watch_job(request, metadata: daemon.token).each do |event|
      seen = [seen, event.sequence].max
      patience_ends = Time.now + PATIENCE_SECONDS
      warn "#{event.chunk.frames_done} of #{event.chunk.frames_total} frames" if event.body == :chunk
      warn "warning: #{event.warning.message}" if event.body == :warning
    end
    job = daemon.jobs.get_job(GetJobRequest.new(id: id), metadata: daemon.token, deadline: Time.now + 5)
    return job if ENDED.include?(job.state) # else it was retried meanwhile
  rescue SystemCallError, GRPC::Unavailable, GRPC::Unauthenticated, GRPC::ResourceExhausted
    raise if Time.now > patience_ends

    sleep 0.5
  end
end

def main(clip, output, picture)
  started = system("answerprint", "daemon", "start", out: File::NULL)
  fail_with("The program answerprint is not installed.", "", 3) if started.nil?
  exit $CHILD_STATUS.exitstatus unless started # it has said why
  daemon = Daemon.new
  request = SubmitJobRequest.new(
    id: SecureRandom.uuid, # ours, so that the call could be repeated and would still be one job
    clip: ClipRef.new(media: File.expand_path(clip)),
    deliverable: Deliverable.new(path: File.expand_path(output))
  )
  job = watch(daemon.jobs.submit_job(request, metadata: daemon.token, deadline: Time.now + 5).job.id)
  if job.state != :JOB_STATE_DONE
    problem = job.problem || Problem.new(message: "The job was cancelled.", exit_code: 5)
    fail_with(problem.message, problem.remedy, problem.exit_code)
  end
  daemon = Daemon.new
  parts = daemon.frames.get_frame(GetFrameRequest.new(job: job.id, frame: 0), metadata: daemon.token).to_a
  data = parts.map(&:data).join
  fail_with("The picture did not arrive whole.", "Ask for it again.", 4) if data.bytesize != parts[0].total_bytes
  File.binwrite(picture, data)
  puts "#{job.deliverable.path}: #{job.frames_done} frames; #{picture}: #{parts[0].width}x#{parts[0].height}"
end

fail_with("usage: ruby -I gen #{$PROGRAM_NAME} CLIP OUTPUT PICTURE.png", "", 2) if ARGV.size != 3
begin
  main(*ARGV)
rescue SystemCallError => error
  fail_with("#{error.message}.", "Check the path; if it is the daemon's: answerprint daemon start", 2)
rescue GRPC::BadStatus => error
  said = problem_of(error)
  fail_with(said["message"], said["remedy"], said["exit_code"])
end
