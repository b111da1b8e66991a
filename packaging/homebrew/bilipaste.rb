# Builds bilipaste from a release's source, on Linux and macOS. scripts/release
# fills in what is between at signs, and puts the result beside the packages.
class Bilipaste < Formula
  desc "Copy a picture, hear a ding, paste its link"
  homepage "@HOMEPAGE@"
  url "@SOURCE_URL@"
  sha256 "@SOURCE_SHA256@"
  license "MIT"

  depends_on "go" => :build

  def install
    ENV["CGO_ENABLED"] = "0" if OS.linux? # macOS's tray and clipboard are reached through C
    system "go", "build", *std_go_args(ldflags: "-s -w -X main.version=#{version}"), "./cmd/bilipaste"
    generate_completions_from_executable(bin/"bilipaste", "completion")
    ENV["BILIPASTE_HOME"] = buildpath/"home"
    { "man1" => "C", "zh_CN/man1" => "zh_CN.UTF-8" }.each do |folder, language|
      mkdir_p folder
      with_env(LC_ALL: language) { system "go", "run", "-tags", "manuals", "./cmd/bilipaste", "manuals", folder }
      (man/folder).install Dir["#{folder}/*.1"]
    end
  end

  service do
    run [opt_bin/"bilipaste"]
    keep_alive crashed: true
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/bilipaste version")
    (testpath/"a.png").binwrite ["89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489" \
                                 "0000000d49444154789c6360f8cfc000000301010018dd8db00000000049454e44ae426082"].pack("H*")
    assert_match "/bfs/", shell_output("#{bin}/bilipaste upload --sandbox a.png")
  end
end
